#include "sql/open.hpp"
#include "sql_conformance.hpp"
#include "store_place.hpp"

namespace lovage::sql {
namespace {

using namespace std::chrono_literals;
using testing::store_place;

auto const sqlite_databases = ::testing::Values(conformance_sql_driver{
    "sqlite", [] {
      auto const place = std::make_shared<store_place>();
      return conformance_database{[place](deadline until) { return open("db+" + place->url(), until); }, "BLOB",
                                  "DATETIME", "DOUBLE"};
    }});
INSTANTIATE_TEST_SUITE_P(Sqlite, SqlConformance, sqlite_databases);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SqlOutage);

TEST(SqliteSession, waits_for_a_lock_until_the_deadline_and_lives_on) {
  store_place const place;
  auto const one = open(place.url(), 5s).value(), other = open(place.url(), 5s).value();
  ASSERT_TRUE(one->script("CREATE TABLE t (a INTEGER)", 5s));
  ASSERT_TRUE(one->begin(5s));
  EXPECT_EQ(other->begin(20ms).error().code, errc::timeout);
  EXPECT_TRUE(other->alive());
  ASSERT_TRUE(one->commit(5s));
  EXPECT_TRUE(other->begin(5s));
}

TEST(SqliteSession, leaves_the_journal_of_a_file_as_it_is) {
  store_place const place;
  auto const on = open(place.url(), 5s).value();
  EXPECT_EQ(on->run("PRAGMA journal_mode", {}, 5s).value().rows.at(0).at(0), cell{"delete"});
}

TEST(SqlOpen, says_what_is_wrong_with_an_address) {
  EXPECT_EQ(open("oracle://h/db", 1s).error().code, errc::bad_config);
  EXPECT_EQ(open("sqlite://", 1s).error().code, errc::bad_config);
  EXPECT_EQ(open("mysql://h/db?local_infile=1", 1s).error().code, errc::bad_config);
  EXPECT_EQ(open("words", 1s).error().code, errc::bad_config);
  EXPECT_EQ(dialect_of("db+postgresql+psycopg2://h/db").value(), dialect::postgres);
  EXPECT_EQ(dialect_of("mysql+pymysql://h/db").value(), dialect::mysql);
  EXPECT_EQ(dialect_of("sqlite:///file").value(), dialect::sqlite);
}

}  // namespace
}  // namespace lovage::sql
