// A program sends tasks over its own connection to PostgreSQL, in its own transactions.
#include <lovage/postgres.hpp>
#include <lovage/testing.hpp>

#include "postgres_server.hpp"
#include "store_place.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

namespace lovage {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr task<int(int, int)> add{"t.add", {"x", "y"}};

class Enqueue : public ::testing::Test {
 protected:
  Enqueue() : on{config{}.broker_url(url).result_backend(results.url())}, connection{PQconnectdb(url.c_str())} {
    on.tasks().define(add, [](int x, int y) { return x + y; });
  }
  ~Enqueue() override { PQfinish(connection); }

  std::string ask(char const* statement) const {
    auto* const got = PQexec(connection, statement);
    std::string out = PQresultStatus(got) == PGRES_TUPLES_OK && PQntuples(got) > 0 ? PQgetvalue(got, 0, 0)
                                                                                   : PQresultErrorMessage(got);
    return PQclear(got), out;
  }
  template <class F>
  static error_info error_of(F&& f) {
    try {
      (void)f();
    } catch (error const& e) {
      return e.info();
    }
    return {};
  }

  testing::store_place results;
  std::string const url = testing::shared_postgres().fresh_database();
  app on;
  pg_conn* const connection;
};

TEST_F(Enqueue, ATaskExistsIfItsTransactionCommits) {
  testing::background_worker worker{on};
  ask("CREATE TABLE orders (id int)");
  ask("BEGIN");  // PQexec of the program's own connection
  ask("INSERT INTO orders VALUES (1)");
  auto const sum = enqueue(on, connection, add.s(2, 3));
  EXPECT_FALSE(sum.try_get(100ms)) << "not before the commit";
  ask("COMMIT");
  EXPECT_EQ(sum.get(10s), 5);
}

TEST_F(Enqueue, ATaskDoesNotExistIfItsTransactionIsRolledBack) {
  on.task(add).delay(1, 1);  // makes the tables
  ask("BEGIN");
  auto const lost = enqueue(on, connection, add.s(2, 3));
  ask("ROLLBACK");
  EXPECT_EQ(ask("SELECT count(*) FROM lovage.message"), "1");
  testing::background_worker worker{on};
  EXPECT_EQ(enqueue(on, connection, add.s(4, 5)).get(10s), 9) << "outside a transaction it is sent at once";
  EXPECT_EQ(lost.state(), "PENDING");
}

TEST_F(Enqueue, OptionsOfTheCallAreKept) {
  on.task(add).delay(1, 1);  // makes the tables
  auto const later = enqueue(on, connection, add.s(2, 3).queue("slow").countdown(3600s).priority(9));
  EXPECT_EQ(ask("SELECT rank || ' ' || q.name FROM lovage.delayed d JOIN lovage.queue q ON q.id = d.queue"), "0 slow");
}

TEST_F(Enqueue, WhatCannotBeWrittenNamesTheFix) {
  EXPECT_THAT(error_of([&] { return enqueue(on, connection, add.s(1, 1)); }).text(), HasSubstr("lovage queues schema"));
  app elsewhere{config{}.broker_url(results.url())};
  auto const why = error_of([&] { return enqueue(elsewhere, connection, add.s(1, 1)); });
  EXPECT_EQ(why.code, errc::bad_config);
  EXPECT_THAT(why.text(), HasSubstr("broker_url"));
  EXPECT_EQ(error_of([&] { return enqueue(on, nullptr, add.s(1, 1)); }).code, errc::unavailable);
}

}  // namespace
}  // namespace lovage
