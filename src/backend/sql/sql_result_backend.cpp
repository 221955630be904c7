#include "backend/sql/sql_result_backend.hpp"

#include "backend/sql/celery_tables.hpp"
#include "backend/sql_backend.hpp"
#include "sql/open.hpp"

namespace lovage::backend {

expected<std::shared_ptr<result_backend>> make_sql_backend(settings with, deadline) {
  sql_place where{with.connection.urls, {}};
  if (where.address.starts_with("database:")) where.address = with.database;
  if (where.address.empty())
    return fail(errc::bad_config, "result_backend 'database' takes its address from database_url, which is not set",
                "database_url");
  if (auto const* schema = find(with.table_schemas, "task"))
    if (auto const* text = schema->get_if<std::string>()) where.schema = *text;
  auto const kind = sql::dialect_of(where.address);
  if (!kind) return fail(kind.error());
  auto aside = aside_table(*kind, where.schema);
  if (!aside) return fail(aside.error());
  auto tables = make_celery_tables(*kind, with, *std::move(aside));
  if (!tables) return fail(tables.error());
  return make_backend_on(std::move(where), with, *std::move(tables));
}

}  // namespace lovage::backend
