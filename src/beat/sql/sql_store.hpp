#pragma once

#include "beat/schedule_store.hpp"

namespace lovage::beats {

/// `postgresql://`, `mysql://`, `mariadb://`, and `db+sqlite:///file`, as SQLAlchemy and Django write them: tables
/// `lovage_beat_...`, made where they are missing.
[[nodiscard]] expected<std::shared_ptr<schedule_store>> make_sql_store(store_settings with, deadline until);
/// Whether the address is one of those.
[[nodiscard]] bool is_sql_store(std::string_view url) noexcept;

}  // namespace lovage::beats
