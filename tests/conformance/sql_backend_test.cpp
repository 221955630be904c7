#include "backend/sql/sql_result_backend.hpp"
#include "backend_conformance.hpp"
#include "mariadb_server.hpp"
#include "postgres_server.hpp"
#include "sql/open.hpp"
#include "store_place.hpp"
#include "wire/pickle.hpp"

#include <gmock/gmock.h>

namespace lovage::backend {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing::store_place;

opened_backend on_database(std::string const& url, now_fn now) {
  return {make_sql_backend(at("db+" + url, std::move(now)), 10s).value()};
}

opened_backend on_sqlite(now_fn now) {
  struct placed {
    store_place place;
    std::shared_ptr<result_backend> on;
  };
  auto const made = std::make_shared<placed>();
  made->on = on_database(made->place.url(), std::move(now)).on;
  return {{made, made->on.get()}};
}

auto const sql_drivers = ::testing::Values(
    conformance_driver{"db sqlite", on_sqlite},
    conformance_driver{"db postgresql",
                       [](now_fn now) { return on_database(testing::shared_postgres().fresh_database(), now); }},
    conformance_driver{"db mariadb",
                       [](now_fn now) { return on_database(testing::shared_mariadb().fresh_database(), now); }});
INSTANTIATE_TEST_SUITE_P(Sql, BackendConformance, sql_drivers);
INSTANTIATE_TEST_SUITE_P(Sql, BackendChords, sql_drivers);
INSTANTIATE_TEST_SUITE_P(Sql, BackendRuns, sql_drivers);

/// A backend and a second way into its tables.
class SqlBackend : public ::testing::TestWithParam<std::string (*)()> {
 protected:
  void SetUp() override {
    url_ = GetParam()();
    with_ = at("db+" + url_);
    on_ = make_sql_backend(with_, 10s).value();
  }
  [[nodiscard]] wire::result_record record(std::string id, std::string status, value result = {}) const {
    wire::result_record r;
    r.id = task_id{std::move(id)};
    r.status = std::move(status);
    r.result = std::move(result);
    r.children = value::list{};
    return r;
  }
  void store(wire::result_record const& r) {
    auto const done = on_->store(std::vector{r}, with_.expires, 10s);
    ASSERT_TRUE(done) << done.error().text();
  }
  std::vector<sql::row> rows(std::string const& query) {
    auto got = sql::open(url_, 10s).value()->run(query, {}, 10s);
    EXPECT_TRUE(got) << got.error().text();
    return got ? got->rows : std::vector<sql::row>{};
  }
  void run(std::string const& statement, sql::row const& values = {}) {
    auto const done = sql::open(url_, 10s).value()->run(statement, values, 10s);
    ASSERT_TRUE(done) << done.error().text();
  }

  std::string url_;
  settings with_ = at("");
  std::shared_ptr<result_backend> on_;
};

store_place& sqlite_place() {
  static std::vector<std::unique_ptr<store_place>> all;
  return *all.emplace_back(std::make_unique<store_place>());
}
std::string sqlite_database() { return sqlite_place().url(); }
std::string postgres_database() { return testing::shared_postgres().fresh_database(); }
std::string mariadb_database() { return testing::shared_mariadb().fresh_database(); }
INSTANTIATE_TEST_SUITE_P(On, SqlBackend, ::testing::Values(sqlite_database, postgres_database, mariadb_database));

TEST_P(SqlBackend, writes_the_rows_that_celery_writes) {
  auto r = record("a", wire::state::success, value::map{{"x", value::list{1, 2.5, "drei"}}});
  r.extended = value::map{{"name", "shop.add"},
                          {"args", value::list{1, "two"}},
                          {"kwargs", value::map{{"k", 1}}},
                          {"worker", "w1@host"},
                          {"retries", 2},
                          {"queue", "celery"}};
  store(r);
  auto const got = rows(
      "SELECT id, task_id, status, result, traceback, name, args, kwargs, worker, retries, queue, date_done FROM "
      "celery_taskmeta");
  ASSERT_THAT(got, SizeIs(1));
  auto const& row = got[0];
  EXPECT_EQ(row[0], sql::cell{std::int64_t{1}});
  EXPECT_EQ(row[1], sql::cell{"a"});
  EXPECT_EQ(row[2], sql::cell{"SUCCESS"});
  EXPECT_EQ(wire::from_pickle(std::get<sql::blob>(row[3]).octets).value(), r.result);
  EXPECT_EQ(row[4], sql::cell{});
  EXPECT_EQ(row[5], sql::cell{"shop.add"});
  EXPECT_EQ(row[6], sql::cell{sql::blob{"[1, \"two\"]"}});
  EXPECT_EQ(row[7], sql::cell{sql::blob{"{\"k\": 1}"}});
  EXPECT_EQ(row[8], sql::cell{"w1@host"});
  EXPECT_EQ(row[9], sql::cell{std::int64_t{2}});
  EXPECT_EQ(row[10], sql::cell{"celery"});
  auto const age = system_now() - std::get<time_point>(row[11]);
  EXPECT_LT(age, 1min);
  EXPECT_GT(age, -1min);
  EXPECT_TRUE(rows("SELECT row_key FROM lovage_aside").empty()) << "nothing that Celery's table has no place for";
  EXPECT_EQ(on_->fetch(std::vector{r.id}, 10s).value().at(0).extended, r.extended);
}

TEST_P(SqlBackend, gives_no_date_to_what_is_not_ready) {
  store(record("a", wire::state::started, value::map{{"pid", 1}}));
  EXPECT_EQ(rows("SELECT date_done FROM celery_taskmeta").at(0).at(0), sql::cell{});
  store(record("a", wire::state::success, 1));
  EXPECT_NE(rows("SELECT date_done FROM celery_taskmeta").at(0).at(0), sql::cell{});
  EXPECT_TRUE(rows("SELECT row_key FROM lovage_aside").empty());
}

TEST_P(SqlBackend, numbers_a_task_once) {
  store(record("a", wire::state::started, value::map{{"pid", 1}}));
  store(record("a", wire::state::success, 1));
  store(record("b", wire::state::success, 2));
  EXPECT_EQ(rows("SELECT id FROM celery_taskmeta ORDER BY task_id"),
            (std::vector<sql::row>{{std::int64_t{1}}, {std::int64_t{2}}}));
}

TEST_P(SqlBackend, of_a_batch_each_row_keeps_or_changes_what_stands_aside) {
  auto const with_parent = [&](std::string id, std::string status, std::optional<std::string> parent) {
    auto r = record(std::move(id), std::move(status), 1);
    r.parent_id = std::move(parent);
    return r;
  };
  std::string const success = wire::state::success, started = wire::state::started;
  std::vector const first{with_parent("final", success, "p"), with_parent("loses", started, "p"),
                          with_parent("gains", started, {})};
  ASSERT_TRUE(on_->store(first, with_.expires, 10s));
  std::vector const second{with_parent("final", wire::state::failure, "q"), with_parent("gains", success, "q"),
                           with_parent("loses", success, {}), with_parent("new", success, "q"),
                           with_parent("plain", success, {})};
  ASSERT_TRUE(on_->store(second, with_.expires, 10s));
  std::vector<task_id> ids;
  for (auto const& r : second) ids.push_back(r.id);
  std::vector<std::string> parents;
  for (auto const& r : on_->fetch(ids, 10s).value()) parents.push_back(r.status + " " + r.parent_id.value_or("none"));
  EXPECT_THAT(parents, ElementsAre("SUCCESS p", "SUCCESS q", "SUCCESS none", "SUCCESS q", "SUCCESS none"));
  EXPECT_THAT(rows("SELECT row_key FROM lovage_aside"), SizeIs(3));
}

TEST_P(SqlBackend, stores_text_that_a_database_would_refuse) {
  auto r = record("a", wire::state::failure, value::map{{"exc_type", "E"}});
  r.traceback = std::string{
      "a\0b\xff"
      "c",
      5};
  r.extended = value::map{{"name", std::string(300, 'n')}};
  store(r);
  auto const got = on_->fetch(std::vector{r.id}, 10s).value().at(0);
  EXPECT_EQ(got.traceback,
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd"
            "c");
  EXPECT_EQ(*find(got.extended, "name"), value{std::string(155, 'n')});
}

TEST_P(SqlBackend, refuses_an_id_that_the_column_cannot_hold) {
  auto const done = on_->store(std::vector{record(std::string(156, 'x'), wire::state::success)}, 1h, 10s);
  EXPECT_EQ(done.error().code, errc::encode);
  EXPECT_THAT(done.error().text(), HasSubstr("155"));
}

TEST_P(SqlBackend, tells_of_a_pickle_that_it_does_not_build_and_keeps_it) {
  store(record("a", wire::state::success, 1));
  store(record("b", wire::state::success, 2));
  std::string const evil =
      "\x80\x02"
      "cposix\nsystem\n(S'true'\ntR.";
  run("UPDATE celery_taskmeta SET result = ? WHERE task_id = 'a'", {sql::blob{evil}});
  auto const got = on_->fetch(std::vector{task_id{"a"}}, 10s);
  EXPECT_EQ(got.error().code, errc::not_supported);
  EXPECT_THAT(got.error().text(), HasSubstr("posix.system"));
  EXPECT_THAT(got.error().text(), HasSubstr("task a"));
  auto const watch = on_->make_watch().value();
  watch->add(std::vector{task_id{"a"}, task_id{"b"}});
  int errors = 0, records = 0;
  for (int i = 0; i < 4; ++i) {
    auto const some = watch->next(1ms);
    errors += some ? 0 : 1;
    records += some ? static_cast<int>(some->size()) : 0;
  }
  EXPECT_EQ(errors, 1);
  EXPECT_EQ(records, 1);
  EXPECT_EQ(rows("SELECT result FROM celery_taskmeta WHERE task_id = 'a'").at(0).at(0), sql::cell{sql::blob{evil}});
}

TEST_P(SqlBackend, finds_what_was_written_by_somebody_who_tells_nobody) {
  store(record("other", wire::state::success));
  auto const watch = on_->make_watch().value();
  watch->add(std::vector{task_id{"a"}});
  EXPECT_TRUE(watch->next(20ms).value().empty());
  run("UPDATE celery_taskmeta SET task_id = 'a' WHERE task_id = 'other'");
  EXPECT_THAT(watch->next(20s).value(), SizeIs(1));
}

TEST_P(SqlBackend, removes_many_expired_rows_in_steps) {
  std::vector<wire::result_record> all;
  for (int i = 0; i < 1'200; ++i) all.push_back(record(std::to_string(i), wire::state::success));
  ASSERT_TRUE(on_->store(all, with_.expires, 30s));
  ASSERT_TRUE(on_->store(std::vector{record("kept", wire::state::success)}, 0s, 30s));
  run("UPDATE celery_taskmeta SET date_done = ?", {system_now() - 25h});
  EXPECT_EQ(on_->cleanup(30s).value(), 1'200U);
  EXPECT_EQ(rows("SELECT task_id FROM celery_taskmeta"), (std::vector<sql::row>{{"kept"}}));
}

TEST_P(SqlBackend, works_on_tables_of_other_names) {
  with_.table_names = value::map{{"task", "my_tasks"}, {"group", "my_groups"}};
  on_ = make_sql_backend(with_, 10s).value();
  store(record("a", wire::state::success, 1));
  EXPECT_EQ(rows("SELECT task_id FROM my_tasks"), (std::vector<sql::row>{{"a"}}));
  with_.table_names = value::map{{"task", "no; DROP TABLE my_tasks"}};
  EXPECT_EQ(make_sql_backend(with_, 10s).error().code, errc::bad_config);
}

TEST_P(SqlBackend, many_programs_make_the_tables_at_once) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      auto const own = make_sql_backend(with_, 10s).value();
      auto const done = own->store(std::vector{record(std::to_string(i), wire::state::success)}, 1h, 30s);
      EXPECT_TRUE(done) << done.error().text();
    });
  for (auto& t : threads) t.join();
  EXPECT_THAT(rows("SELECT task_id FROM celery_taskmeta"), SizeIs(4));
}

TEST(SqlBackendOutage, is_lived_through_by_those_who_wait_and_told_to_those_who_do_not) {
  testing::postgres_server server;
  auto const on = on_database(server.fresh_database(), system_now).on;
  wire::result_record r;
  r.id = task_id{"a"};
  r.status = wire::state::success;
  ASSERT_TRUE(on->store(std::vector{r}, 1h, 10s));
  auto const watch = on->make_watch().value();
  watch->add(std::vector{task_id{"b"}});
  EXPECT_TRUE(watch->next(10ms).value().empty());
  server.kill();
  EXPECT_EQ(on->store(std::vector{r}, 1h, 200ms).error().code, errc::unavailable);
  EXPECT_EQ(watch->next(200ms).error().code, errc::unavailable);
  r.id = task_id{"b"};
  std::thread storer{[&] { EXPECT_TRUE(on->store(std::vector{r}, 1h, 60s)); }};
  server.start();  // here: it dies with the thread that started it
  EXPECT_THAT(watch->next(60s).value(), SizeIs(1));
  storer.join();
}

}  // namespace
}  // namespace lovage::backend
