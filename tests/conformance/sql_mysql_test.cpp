#include "mariadb_server.hpp"
#include "sql/open.hpp"
#include "sql_conformance.hpp"

namespace lovage::sql {
namespace {

using namespace std::chrono_literals;
using testing::shared_mariadb;

auto const mysql_databases = ::testing::Values(conformance_sql_driver{
    "mariadb", [] {
      auto& server = shared_mariadb();
      return conformance_database{[url = server.fresh_database()](deadline until) { return open(url, until); },
                                  "LONGBLOB",
                                  "DATETIME(6)",
                                  "DOUBLE",
                                  [&] { server.pause(); },
                                  [&] { server.resume(); },
                                  [&] { server.kill(); },
                                  [&] { server.start(); }};
    }});
INSTANTIATE_TEST_SUITE_P(Mysql, SqlConformance, mysql_databases);
INSTANTIATE_TEST_SUITE_P(Mysql, SqlOutage, mysql_databases);

TEST(MysqlSession, says_who_is_refused) {
  auto url = shared_mariadb().url("mysql");
  auto const why = open(url.replace(url.find("root"), 4, "nobody:wrong"), 10s).error();
  EXPECT_EQ(why.code, errc::bad_config);
  EXPECT_EQ(why.text().find("wrong"), std::string::npos) << "no password in an error";
  EXPECT_EQ(open(shared_mariadb().url("no_such_database"), 10s).error().code, errc::bad_config);
}

TEST(MysqlSession, refuses_what_is_too_long_and_does_not_cut_it) {
  auto const on = open(shared_mariadb().fresh_database(), 10s).value();
  ASSERT_TRUE(on->script("CREATE TABLE t (a VARCHAR(3))", 10s));
  EXPECT_EQ(on->run("INSERT INTO t VALUES (?)", row{"four"}, 10s).error().code, errc::invalid_argument);
}

TEST(MysqlSession, gives_numbers_of_every_type) {
  auto const on = open(shared_mariadb().fresh_database(), 10s).value();
  auto const got = on->run(
      "SELECT CAST(18446744073709551615 AS UNSIGNED), CAST(1.50 AS DECIMAL(10, 2)), TRUE, DATE '2026-11-23', COUNT(*)",
      {}, 10s);
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->rows.at(0), (row{"18446744073709551615", "1.50", std::int64_t{1},
                                  time_point{std::chrono::microseconds{1'795'392'000'000'000}}, std::int64_t{1}}));
}

}  // namespace
}  // namespace lovage::sql
