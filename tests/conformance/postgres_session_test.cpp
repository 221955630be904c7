// What a session with PostgreSQL promises beyond the suite of all sessions.
#include "sql/postgres_session.hpp"
#include "postgres_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace lovage::sql {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::shared_postgres;
using ::testing::SizeIs;

class PostgresSession : public ::testing::Test {
 protected:
  void SetUp() override {
    url_ = shared_postgres().fresh_database();
    on_ = open();
  }
  [[nodiscard]] std::unique_ptr<postgres_session> open() const { return postgres_session::open(url_, 10s).value(); }
  row one(std::string_view text, std::vector<cell> const& values = {}) {
    return on_->run(text, values, 10s).value().rows.at(0);
  }
  [[nodiscard]] errc code_of(std::string_view text) { return on_->run(text, {}, 10s).error().code; }

  std::string url_;
  std::unique_ptr<postgres_session> on_;
};

TEST_F(PostgresSession, a_value_of_each_type_comes_back_as_it_went) {
  on_->script("CREATE TABLE t (i int8, s int2, b bool, d float8, x text, o bytea, z timestamptz, n timestamp, j jsonb)",
              5s)
      .value();
  auto const at = time_point{1'796'029'200'123'456us};
  std::vector<cell> const in{std::int64_t{-5'000'000'000},
                             std::int64_t{-7},
                             std::int64_t{1},
                             0.1,
                             std::string{"'?'"},
                             blob{std::string{"\0\xff\n", 3}},
                             at,
                             at,
                             std::string{R"({"a": 1})"}};
  EXPECT_EQ(on_->run("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", in, 5s).value().changed, 1U);
  EXPECT_EQ(one("SELECT * FROM t WHERE i = ? AND o = ? AND z = ?", {in[0], in[5], in[6]}), in);
  std::vector<cell> const nothing(9);
  EXPECT_EQ(on_->run("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", nothing, 5s).value().changed, 1U);
  EXPECT_EQ(one("SELECT * FROM t WHERE i IS NULL"), nothing);
}

TEST_F(PostgresSession, columns_of_cells_come_as_they_went_with_their_nulls) {
  auto const at = time_point{-1'796'029'200'123'456us};  // before the server's own zero
  std::vector<row> const in{{std::string{"x"}, blob{std::string{"\0\xff", 2}}, std::int64_t{-5}, at},
                            {cell{}, cell{}, cell{}, cell{}},
                            {std::string{}, blob{}, std::int64_t{0}, time_point{}}};
  on_->script("CREATE TABLE t (n serial, x text, o bytea, i int, z timestamptz)", 5s).value();
  postgres_call call{"INSERT INTO t (x, o, i, z) SELECT * FROM unnest($1, $2, $3, $4) AS g (x, o, i, z)"};
  std::size_t at_column = 0;
  for (auto const kind : {cell_kind::text, cell_kind::octets, cell_kind::whole, cell_kind::moment}) {
    std::vector<cell const*> cells;
    for (auto const& r : in) cells.push_back(&r[at_column]);
    call.values.column(kind, cells).value();
    ++at_column;
  }
  EXPECT_EQ(on_->exchange_one(call, 5s).value().changed(), 3U);
  EXPECT_EQ(on_->run("SELECT x, o, i, z FROM t ORDER BY n", {}, 5s).value().rows, in);
}

TEST_F(PostgresSession, a_column_refuses_what_it_cannot_hold) {
  cell const broken{std::string{"a\0b", 3}}, number{std::int64_t{1}};
  cell const* one = &broken;
  postgres_values to;
  EXPECT_EQ(to.column(cell_kind::text, {&one, 1}).error().code, errc::encode);
  one = &number;
  EXPECT_EQ(to.column(cell_kind::text, {&one, 1}).error().code, errc::internal);
  EXPECT_THAT(to.items(), IsEmpty());
}

TEST_F(PostgresSession, what_has_no_cell_of_its_own_is_text) {
  EXPECT_THAT(one("SELECT 1.50::numeric, '1 day'::interval, 'infinity'::timestamptz"),
              ElementsAre(cell{"1.50"}, cell{"1 day"}, cell{"infinity"}));
}

TEST_F(PostgresSession, of_many_sets_all_are_done_or_none) {
  on_->script("CREATE TABLE t (i int PRIMARY KEY)", 5s).value();
  std::vector<row> sets;
  for (std::int64_t i = 0; i < 5'000; ++i) sets.push_back({i});
  EXPECT_EQ(on_->run_each("INSERT INTO t VALUES (?)", sets, 20s).value(), 5'000U);
  auto more = std::vector<row>{{std::int64_t{5'001}}, {std::int64_t{7}}};
  EXPECT_EQ(on_->run_each("INSERT INTO t VALUES (?)", more, 5s).error().code, errc::conflict);
  more = {{std::int64_t{5'002}}, {std::string{"no\0 number", 10}}};
  EXPECT_EQ(on_->run_each("INSERT INTO t VALUES (?)", more, 5s).error().code, errc::encode);
  EXPECT_EQ(one("SELECT count(*) FROM t"), row{std::int64_t{5'000}});
}

TEST_F(PostgresSession, a_transaction_is_undone_whole) {
  on_->script("CREATE TABLE t (i int)", 5s).value();
  auto const undone = in_transaction(*on_, 5s, [&]() -> expected<void> {
    (void)on_->run("INSERT INTO t VALUES (1)", {}, 5s).value();
    return fail(errc::internal, "changed my mind");
  });
  EXPECT_EQ(undone.error().code, errc::internal);
  EXPECT_EQ(one("SELECT count(*) FROM t"), row{std::int64_t{0}});
}

TEST_F(PostgresSession, errors_have_the_code_that_a_program_acts_on) {
  EXPECT_EQ(code_of("SELECT * FROM nowhere"), errc::bad_config);
  EXPECT_EQ(code_of("SELEC 1"), errc::bad_config);
  EXPECT_EQ(code_of("SELECT 1/0"), errc::invalid_argument);
  EXPECT_EQ(code_of("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"), errc::conflict);
  EXPECT_EQ(code_of("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$"), errc::no_space);
  EXPECT_TRUE(on_->alive());
  on_->script("CREATE TABLE nowhere (i int)", 5s).value();
  EXPECT_TRUE(on_->run("SELECT * FROM nowhere", {}, 5s)) << "what could not be prepared is prepared again";
}

TEST_F(PostgresSession, many_statements_go_in_one_round_trip_and_come_back_in_binary_form) {
  std::vector<std::int64_t> const numbers{1, -2, 3};
  std::vector<std::string_view> const texts{"a", "", "c"}, octets{std::string_view{"\0x", 2}, "y"};
  std::vector<postgres_call> calls(3);
  calls[0].text = "SELECT sum(n)::int8 FROM unnest($1) n";
  calls[0].values.integers(numbers);
  calls[1].text = "SELECT x, o, $3 + 1, NULL::text FROM unnest($1, $2) AS u(x, o)";
  calls[1].values.texts(texts).octet_list(octets).integer(-9);
  calls[2].text = "SELECT 1::int2, true, octet_length($1), $2";
  calls[2].values.octets(octets[0]).text("x");
  for (int again = 0; again < 2; ++again) {
    auto const got = on_->exchange(calls, 5s).value();
    ASSERT_THAT(got, SizeIs(3));
    EXPECT_EQ(got[0].integer(0, 0), 2);
    ASSERT_EQ(got[1].size(), 3U);
    EXPECT_EQ(got[1].text(2, 0), "c");
    EXPECT_EQ(got[1].text(0, 1), octets[0]);
    EXPECT_EQ(got[1].integer(1, 2), -8);
    EXPECT_TRUE(got[1].is_null(2, 1));
    EXPECT_EQ(got[2].integer(0, 0), 1);
    EXPECT_EQ(got[2].integer(0, 1), 1);
    EXPECT_EQ(got[2].integer(0, 2), 2);
    EXPECT_EQ(got[2].text(0, 3), "x");
  }
}

TEST_F(PostgresSession, a_pipeline_may_hold_several_transactions) {
  on_->script("CREATE TABLE t (i int)", 5s).value();
  std::vector<postgres_call> calls(3);
  calls[0].text = "INSERT INTO t VALUES (1)";
  calls[0].ends = true;
  calls[1].text = "INSERT INTO t VALUES (2)";
  calls[2].text = "SELECT 1/(count(*) - 2) FROM t";
  EXPECT_EQ(on_->exchange(calls, 5s).error().code, errc::invalid_argument);
  EXPECT_EQ(one("SELECT sum(i) FROM t"), row{std::int64_t{1}});
  calls[2].text = "SELECT count(*) FROM t";
  EXPECT_EQ(on_->exchange(calls, 5s).value().at(2).integer(0, 0), 3);
}

TEST_F(PostgresSession, a_megabyte_each_way_does_not_hang) {
  std::string const big(4 << 20, 'x');
  std::vector<postgres_call> calls(8);
  for (auto& c : calls) c.text = "SELECT $1", c.values.octets(big);
  EXPECT_EQ(on_->exchange(calls, 30s).value().at(7).text(0, 0), big);
}

TEST_F(PostgresSession, is_dead_after_its_deadline) {
  EXPECT_EQ(on_->run("SELECT pg_sleep(30)", {}, 50ms).error().code, errc::timeout);
  EXPECT_FALSE(on_->alive());
  EXPECT_EQ(on_->run("SELECT 1", {}, 5s).error().code, errc::unavailable);
  EXPECT_EQ(on_->descriptor(), -1);
}

TEST_F(PostgresSession, is_dead_when_the_server_ends_it) {
  auto const other = open();
  auto const pid = one("SELECT pg_backend_pid()")[0];
  (void)other->run("SELECT pg_terminate_backend(?)", std::vector<cell>{pid}, 5s).value();
  EXPECT_EQ(on_->run("SELECT pg_sleep(5)", {}, 10s).error().code, errc::unavailable);
  EXPECT_FALSE(on_->alive());
}

TEST_F(PostgresSession, hears_what_is_notified_also_while_it_works) {
  auto const other = open();
  on_->listen("a \"b\"", 5s).value();
  EXPECT_THAT(on_->wait_notified(10ms).value(), IsEmpty());
  other->script(R"(NOTIFY "a ""b""", 'one')", 5s).value();
  (void)one("SELECT 1");
  other->script(R"(NOTIFY "a ""b""", 'two')", 5s).value();
  std::vector<std::string> heard;
  while (heard.size() < 2) {
    auto const got = on_->wait_notified(10s).value();
    ASSERT_FALSE(got.empty());
    for (auto const& n : got) heard.push_back(n.payload);
  }
  EXPECT_THAT(heard, ElementsAre("one", "two"));
  on_->unlisten("a \"b\"", 5s).value();
  other->script(R"(NOTIFY "a ""b""", 'three')", 5s).value();
  EXPECT_THAT(on_->wait_notified(20ms).value(), IsEmpty());
}

TEST_F(PostgresSession, says_what_is_wrong_with_an_address) {
  auto const error = [](std::string const& url) { return postgres_session::open(url, 5s).error(); };
  EXPECT_THAT(error("mysql://h/d").text(), HasSubstr("postgresql://"));
  EXPECT_EQ(error("postgresql://h/d?no_such=1").code, errc::bad_config);
  EXPECT_EQ(error(shared_postgres().url("nowhere")).code, errc::bad_config);
  EXPECT_THAT(error(shared_postgres().url("nowhere")).text(), HasSubstr("createdb"));
  auto const refused = error("postgresql://u:secret@127.0.0.1:1/d");
  EXPECT_EQ(refused.code, errc::unavailable);
  EXPECT_THAT(refused.text(), ::testing::Not(HasSubstr("secret")));
  for (auto const* scheme : {"postgres", "db+postgresql", "postgresql+psycopg2"})
    EXPECT_TRUE(postgres_session::open(scheme + url_.substr(url_.find(':')), 5s)) << scheme;
}

TEST_F(PostgresSession, a_server_that_went_away_comes_back) {
  testing::postgres_server own;
  EXPECT_TRUE(postgres_session::open(own.url(), 5s));
  own.pause();
  EXPECT_EQ(postgres_session::open(own.url(), 100ms).error().code, errc::timeout);
  own.resume();
  own.kill();
  EXPECT_EQ(postgres_session::open(own.url(), 5s).error().code, errc::unavailable);
  own.start();
  EXPECT_TRUE(postgres_session::open(own.url(), 5s));
}

}  // namespace
}  // namespace lovage::sql
