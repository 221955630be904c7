#pragma once

#include "backend/result_backend.hpp"

#include <memory>

namespace lovage::backend {

/// `memory://name`: within this process, gone with the last backend of that name. For tests.
[[nodiscard]] expected<std::shared_ptr<result_backend>> make_memory_backend(settings with, deadline until);

}  // namespace lovage::backend
