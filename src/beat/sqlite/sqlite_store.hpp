#pragma once

#include "beat/schedule_store.hpp"

namespace lovage::beats {

/// `sqlite:///file.db`: the embedded store, also beside a broker and results. One machine.
[[nodiscard]] expected<std::shared_ptr<schedule_store>> make_sqlite_store(store_settings with, deadline until);

}  // namespace lovage::beats
