// The same suite on SQL databases, and on the half of Django's store that is ours.
#include "beat/sql/sql_store.hpp"
#include "mariadb_server.hpp"
#include "postgres_server.hpp"
#include "schedule_store_conformance.hpp"
#include "sql/open.hpp"
#include "store_place.hpp"

namespace lovage::beats {
namespace {

using namespace std::chrono_literals;

store_settings at_database(std::string url, now_fn now) {
  store_settings out;
  out.connection.urls = std::move(url);
  out.now = std::move(now);
  return out;
}

// The server's clock cannot be moved: what it is compared with is moved the other way.
std::function<void(std::chrono::milliseconds)> moving_back(std::string const& url) {
  auto const on = std::shared_ptr<sql::session>{sql::open(url, 5s).value()};
  return [on](std::chrono::milliseconds by) {
    auto const us = std::to_string(std::chrono::microseconds{by}.count());
    on->script("UPDATE lovage_beat_lead SET until_us = until_us - (" + us +
                   ");"
                   "UPDATE lovage_beat_claim SET claimed_at = claimed_at - (" +
                   us + ")",
               5s)
        .value();
  };
}

opened_stores open_at(std::string const& url, now_fn const& now) {
  return {make_sql_store(at_database(url, now), 20s).value(), make_sql_store(at_database(url, now), 20s).value(),
          moving_back(url)};
}

opened_stores open_postgres(now_fn now) { return open_at(lovage::testing::shared_postgres().fresh_database(), now); }
opened_stores open_mariadb(now_fn now) { return open_at(lovage::testing::shared_mariadb().fresh_database(), now); }

opened_stores open_sqlite_tables(now_fn now) {
  auto const place = std::make_shared<lovage::testing::store_place>();
  auto out = open_at("db+" + place->url(), now);
  for (auto* store : {&out.one, &out.other}) {
    auto const both =
        std::make_shared<std::pair<std::shared_ptr<lovage::testing::store_place>, std::shared_ptr<schedule_store>>>(
            place, *store);
    *store = std::shared_ptr<schedule_store>{both, both->second.get()};
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Sql, ScheduleStore,
                         ::testing::Values(store_driver{"postgres", open_postgres},
                                           store_driver{"mariadb", open_mariadb},
                                           store_driver{"sqlite", open_sqlite_tables}),
                         [](auto const& driver) { return std::string{driver.param.name}; });

TEST(SqlStore, IsMeantByAddressesOfDatabases) {
  for (auto const* url : {"postgresql://h/db", "postgres://h/db", "postgresql+psycopg2://h/db", "db+postgresql://h/db",
                          "mysql://h/db", "mariadb+pymysql://h/db", "db+sqlite:///file.db"})
    EXPECT_TRUE(is_sql_store(url)) << url;
  for (auto const* url : {"sqlite:///file.db", "redis://h", "amqp://h", "", "oracle://h/db"})
    EXPECT_FALSE(is_sql_store(url)) << url;
}

TEST(SqlStore, ThatCannotBeReachedSaysSo) {
  auto const made = make_sql_store(at_database("postgresql://postgres@127.0.0.1:1/none", system_now), 500ms);
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().code == errc::unavailable || made.error().code == errc::timeout) << made.error().text();
}

}  // namespace
}  // namespace lovage::beats
