#pragma once

#include "backend/result_backend.hpp"
#include "core/clock.hpp"

#include <memory>
#include <string>

namespace lovage::backend {

/// `memory://name`: within this process, gone with the last backend of that name. For tests.
[[nodiscard]] expected<std::shared_ptr<result_backend>> make_memory_backend(std::string const& url, now_fn now,
                                                                            deadline until);

}  // namespace lovage::backend
