// What the app asks of the drivers; src/builtin answers, the one place that knows them by name.
#pragma once

#include "backend/result_backend.hpp"
#include "broker/transport.hpp"

#include <memory>

namespace lovage::drivers {

/// By the first URL's scheme. Errors: `bad_config` naming the schemes there are; what the driver says.
[[nodiscard]] expected<std::shared_ptr<broker::transport>> make_transport(broker::settings with, deadline until);
[[nodiscard]] expected<std::shared_ptr<backend::result_backend>> make_backend(backend::settings with, deadline until);

}  // namespace lovage::drivers
