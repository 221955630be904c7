// What the app asks of the drivers; src/builtin answers, the one place that knows them by name.
#pragma once

#include "backend/result_backend.hpp"
#include "broker/transport.hpp"
#include "core/clock.hpp"

#include <memory>
#include <string>

namespace lovage::drivers {

/// By the URL's scheme. Errors: `bad_config` naming the schemes there are; what the driver says.
[[nodiscard]] expected<std::shared_ptr<broker::transport>> make_transport(std::string const& url, now_fn now,
                                                                          deadline until);
[[nodiscard]] expected<std::shared_ptr<backend::result_backend>> make_backend(std::string const& url, now_fn now,
                                                                              deadline until);

}  // namespace lovage::drivers
