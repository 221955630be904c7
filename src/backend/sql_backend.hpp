// The result backend on a database: everything but the tables, which are a driver's own (sql_tables.hpp).
#pragma once

#include "backend/result_backend.hpp"
#include "backend/sql_tables.hpp"

#include <memory>
#include <string>

namespace lovage::backend {

/// `address`: of the database, as sql/open.hpp takes it. `schema` of our own tables; empty: the database's usual one.
/// On PostgreSQL who waits is told of what lovage stores; what Python stores there, and everything on other databases,
/// is found by asking at growing intervals of at most half a second.
struct sql_place {
  std::string address, schema;
};
[[nodiscard]] expected<std::shared_ptr<result_backend>> make_backend_on(sql_place where, settings const& with,
                                                                        std::unique_ptr<sql_tables> tables);

/// Name of our table beside those of a driver, quoted.
[[nodiscard]] expected<std::string> aside_table(sql::dialect d, std::string_view schema);

}  // namespace lovage::backend
