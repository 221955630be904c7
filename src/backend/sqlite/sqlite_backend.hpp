#pragma once

#include "backend/result_backend.hpp"

#include <memory>

namespace lovage::backend {

/// The same URL and file as the broker's; see broker/sqlite/sqlite_transport.hpp.
[[nodiscard]] expected<std::shared_ptr<result_backend>> make_sqlite_backend(settings with, deadline until);

}  // namespace lovage::backend
