#include "backend/sqlite/sqlite_backend.hpp"
#include "backend_conformance.hpp"
#include "store_place.hpp"

#include <gmock/gmock.h>
#include <sqlite3.h>

namespace lovage::backend {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing::store_place;

struct placed_backend {
  store_place place;
  std::shared_ptr<result_backend> on;
};

auto const sqlite_drivers =
    ::testing::Values(conformance_driver{"sqlite", [](now_fn now) {
                                           auto const made = std::make_shared<placed_backend>();
                                           made->on =
                                               make_sqlite_backend(at(made->place.url(), std::move(now)), 5s).value();
                                           return std::shared_ptr<result_backend>{made, made->on.get()};
                                         }});
INSTANTIATE_TEST_SUITE_P(Sqlite, BackendConformance, sqlite_drivers);
INSTANTIATE_TEST_SUITE_P(Sqlite, BackendChords, sqlite_drivers);
INSTANTIATE_TEST_SUITE_P(Sqlite, BackendRuns, sqlite_drivers);

class SqliteBackend : public ::testing::Test {
 protected:
  void SetUp() override {
    on_ = make_sqlite_backend(at(place_.url()), 5s).value();
    ASSERT_EQ(sqlite3_open(place_.file().c_str(), &other_), SQLITE_OK);
  }
  void TearDown() override { sqlite3_close(other_); }
  void run(char const* sql) { EXPECT_EQ(sqlite3_exec(other_, sql, nullptr, nullptr, nullptr), SQLITE_OK); }
  [[nodiscard]] static wire::result_record success(std::string id) {
    wire::result_record r;
    r.id = task_id{std::move(id)};
    r.status = wire::state::success;
    return r;
  }

  store_place place_;
  std::shared_ptr<result_backend> on_;
  sqlite3* other_ = nullptr;
};

TEST_F(SqliteBackend, an_unreadable_record_is_told_once_and_holds_up_no_other) {
  ASSERT_TRUE(on_->store(std::vector{success("a"), success("b")}, 1h, 5s));
  run("UPDATE result SET record = CAST('{' AS BLOB) WHERE task_id = 'a'");
  EXPECT_THAT(on_->fetch(std::vector{task_id{"a"}}, 5s).error().text(), HasSubstr("task a"));
  auto const watch = on_->make_watch().value();
  watch->add(std::vector{task_id{"b"}, task_id{"a"}});
  int errors = 0, records = 0;
  for (int i = 0; i < 3; ++i) {
    auto const got = watch->next(1ms);
    errors += got ? 0 : 1;
    records += got ? static_cast<int>(got->size()) : 0;
  }
  EXPECT_EQ(errors, 1);
  EXPECT_EQ(records, 1);
}

TEST_F(SqliteBackend, a_locked_file_is_a_clear_error_and_reading_goes_on) {
  ASSERT_TRUE(on_->store(std::vector{success("a")}, 1h, 5s));
  run("BEGIN EXCLUSIVE");
  EXPECT_EQ(on_->store(std::vector{success("b")}, 1h, 20ms).error().code, errc::timeout);
  EXPECT_EQ(on_->fetch(std::vector{task_id{"a"}}, 20ms).value().at(0).status, wire::state::success);
  run("ROLLBACK");
  EXPECT_TRUE(on_->store(std::vector{success("b")}, 1h, 5s));
}

TEST_F(SqliteBackend, removes_many_expired_records_in_steps) {
  std::vector<wire::result_record> all;
  for (int i = 0; i < 5000; ++i) all.push_back(success(std::to_string(i)));
  ASSERT_TRUE(on_->store(all, 1h, 30s));
  run("UPDATE result SET expires = 1");
  EXPECT_EQ(on_->cleanup(30s).value(), 5000U);
}

}  // namespace
}  // namespace lovage::backend
