#include "postgres_server.hpp"
#include "sql/open.hpp"
#include "sql_conformance.hpp"

namespace lovage::sql {
namespace {

using testing::shared_postgres;

auto const postgres_databases = ::testing::Values(conformance_sql_driver{
    "postgresql", [] {
      auto& server = shared_postgres();
      return conformance_database{[url = server.fresh_database()](deadline until) { return open("db+" + url, until); },
                                  "BYTEA",
                                  "TIMESTAMP WITHOUT TIME ZONE",
                                  "DOUBLE PRECISION",
                                  [&] { server.pause(); },
                                  [&] { server.resume(); },
                                  [&] { server.kill(); },
                                  [&] { server.start(); }};
    }});
INSTANTIATE_TEST_SUITE_P(Postgres, SqlConformance, postgres_databases);
INSTANTIATE_TEST_SUITE_P(Postgres, SqlOutage, postgres_databases);

}  // namespace
}  // namespace lovage::sql
