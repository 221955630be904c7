#include "beat/sql/sql_store.hpp"

#include "beat/sql_schedules.hpp"
#include "sql/open.hpp"

namespace lovage::beats {

expected<std::shared_ptr<schedule_store>> make_sql_store(store_settings with, deadline until) {
  auto pool = sql::session_pool::make(with.connection.urls);
  if (!pool) return fail(pool.error());
  auto out = std::make_shared<sql_schedules>(*std::move(pool), std::move(with.now));
  if (auto ready = out->prepare(until); !ready) return fail(ready.error());
  return std::shared_ptr<schedule_store>{std::move(out)};
}

// Without "db+" a SQLite file is the embedded store.
bool is_sql_store(std::string_view url) noexcept {
  return !url.starts_with("sqlite") && sql::dialect_of(url).has_value();
}

}  // namespace lovage::beats
