// What the drivers are told, from the configuration.
#pragma once

#include "backend/result_backend.hpp"
#include "broker/transport.hpp"

#include <lovage/config.hpp>

namespace lovage::detail {

/// For `broker_url`; the app puts `broker_read_url` or `broker_write_url` in its place.
[[nodiscard]] broker::settings broker_settings(config const& c, now_fn now);
/// All but what only the app knows: `reply_to` and `transport`.
[[nodiscard]] backend::settings backend_settings(config const& c, now_fn now);

}  // namespace lovage::detail
