#pragma once

#include "beat/schedule_store.hpp"

namespace lovage::beats {

/// `memory://name`: within this process, for tests.
[[nodiscard]] expected<std::shared_ptr<schedule_store>> make_memory_store(store_settings with, deadline until);

}  // namespace lovage::beats
