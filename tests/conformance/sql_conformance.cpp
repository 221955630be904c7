#include "sql_conformance.hpp"

#include <limits>
#include <thread>

namespace lovage::sql {

using namespace std::chrono_literals;

void SqlConformance::SetUp() {
  on_ = GetParam().make();
  session_ = open();
}

std::unique_ptr<session> SqlConformance::open() const {
  auto made = on_.open(10s);
  EXPECT_TRUE(made) << made.error().text();
  return made ? *std::move(made) : nullptr;
}

void SqlConformance::make_table() {
  auto const done =
      session_->script("CREATE TABLE kept (id BIGINT NOT NULL PRIMARY KEY, whole BIGINT, floating " +
                           std::string{on_.real} + ", words TEXT, octets " + on_.octets + ", moment " + on_.moment +
                           ", short VARCHAR(5) UNIQUE); CREATE INDEX by_whole ON kept (whole);",
                       10s);
  ASSERT_TRUE(done) << done.error().text();
}

result SqlConformance::run(std::string_view text, row const& values) {
  auto done = session_->run(text, values, 10s);
  EXPECT_TRUE(done) << done.error().text();
  return done ? *std::move(done) : result{};
}

error_info SqlConformance::failed(std::string_view text, row const& values) {
  auto const done = session_->run(text, values, 10s);
  EXPECT_FALSE(done) << text;
  return done ? error_info{} : done.error();
}

namespace {

constexpr auto insert_all =
    "INSERT INTO kept (id, whole, floating, words, octets, moment, short) VALUES (?, ?, ?, ?, ?, ?, ?)";
constexpr auto insert_id = "INSERT INTO kept (id) VALUES (?)";
constexpr auto select_all = "SELECT id, whole, floating, words, octets, moment, short FROM kept ORDER BY id";

std::string every_octet() {
  std::string out;
  for (int i = 0; i < 256; ++i) out += static_cast<char>(i);
  return out;
}

TEST_P(SqlConformance, gives_back_every_type_as_it_was_given) {
  make_table();
  std::vector<row> const rows{
      {std::int64_t{1}, std::numeric_limits<std::int64_t>::max(), 0.1, "größe 日本 \U0001f33f '\"\\ ?",
       blob{every_octet()}, time_point{std::chrono::microseconds{1'795'435'200'123'456}}, "a"},
      {std::int64_t{2}, std::numeric_limits<std::int64_t>::min(), -1e300, "", blob{""},
       time_point{std::chrono::microseconds{1'795'435'200'000'000}}, "b"},
      {std::int64_t{3}, std::monostate{}, std::monostate{}, std::monostate{}, std::monostate{}, std::monostate{},
       std::monostate{}},
      {std::int64_t{4}, std::int64_t{-1}, 2.0, std::string(60'000, 'x'), blob{std::string(50'000, '\0')},
       time_point{std::chrono::microseconds{981'173'106'000'001}}, "c"}};
  for (auto const& r : rows) EXPECT_EQ(run(insert_all, r).changed, 1U);
  EXPECT_EQ(run(select_all).rows, rows);
}

TEST_P(SqlConformance, finds_a_row_by_a_value_of_any_type) {
  make_table();
  time_point const at{std::chrono::microseconds{1'795'435'200'123'456}};
  run(insert_all, {std::int64_t{1}, std::int64_t{5}, 0.5, "words", blob{"\x01\x00"}, at, "s"});
  for (auto const& [where, what] :
       {std::pair<char const*, cell>{"SELECT id FROM kept WHERE whole = ?", std::int64_t{5}},
        {"SELECT id FROM kept WHERE floating = ?", 0.5},
        {"SELECT id FROM kept WHERE octets = ?", blob{"\x01\x00"}},
        {"SELECT id FROM kept WHERE moment = ?", at},
        {"SELECT id FROM kept WHERE moment < ?", at + 1us},
        {"SELECT id FROM kept WHERE short = ?", "s"}})
    EXPECT_EQ(run(where, {what}).rows, (std::vector<row>{{std::int64_t{1}}})) << where;
  EXPECT_TRUE(run("SELECT id FROM kept WHERE moment < ?", {at}).rows.empty());
}

TEST_P(SqlConformance, leaves_question_marks_in_quotes_alone) {
  make_table();
  run("INSERT INTO kept (id, words) VALUES (?, 'what?')", {std::int64_t{1}});
  EXPECT_EQ(run("SELECT words FROM kept WHERE words = 'what?' AND id = ?", {std::int64_t{1}}).rows,
            (std::vector<row>{{"what?"}}));
}

TEST_P(SqlConformance, counts_the_rows_that_change) {
  make_table();
  for (std::int64_t i = 0; i < 3; ++i) run(insert_id, {i});
  EXPECT_EQ(run("UPDATE kept SET whole = ? WHERE id < ?", {std::int64_t{7}, std::int64_t{2}}).changed, 2U);
  EXPECT_EQ(run("UPDATE kept SET whole = ? WHERE id > ?", {std::int64_t{7}, std::int64_t{5}}).changed, 0U);
  EXPECT_EQ(run("DELETE FROM kept WHERE id <> ?", {std::int64_t{1}}).changed, 2U);
}

TEST_P(SqlConformance, says_that_a_key_is_taken) {
  make_table();
  run(insert_id, {std::int64_t{1}});
  auto const why = failed(insert_id, {std::int64_t{1}});
  EXPECT_EQ(why.code, errc::conflict) << why.text();
  run("INSERT INTO kept (id, short) VALUES (?, 'x')", {std::int64_t{2}});
  EXPECT_EQ(failed("INSERT INTO kept (id, short) VALUES (?, 'x')", {std::int64_t{3}}).code, errc::conflict);
  EXPECT_TRUE(session_->alive());
  EXPECT_EQ(count(), 2);
}

TEST_P(SqlConformance, says_what_the_database_does_not_know) {
  EXPECT_EQ(failed("SELECT 1 FROM nowhere").code, errc::bad_config);
  EXPECT_EQ(failed("SELEKT 1").code, errc::bad_config);
  EXPECT_EQ(session_->script("SELEKT 1", 10s).error().code, errc::bad_config);
  EXPECT_TRUE(session_->alive());
  EXPECT_EQ(run("SELECT 1").rows.size(), 1U);
}

TEST_P(SqlConformance, keeps_what_is_committed_and_nothing_else) {
  make_table();
  ASSERT_TRUE(session_->begin(10s));
  run(insert_id, {std::int64_t{1}});
  session_->rollback(10s);
  EXPECT_EQ(count(), 0);
  auto const kept =
      in_transaction(*session_, 10s, [&]() -> expected<int> { return run(insert_id, {std::int64_t{2}}), 1; });
  EXPECT_TRUE(kept);
  auto const dropped = in_transaction(*session_, 10s, [&]() -> expected<int> {
    run(insert_id, {std::int64_t{3}});
    return fail(errc::not_supported, "no");
  });
  EXPECT_EQ(dropped.error().code, errc::not_supported);
  EXPECT_EQ(open()->run(select_all, {}, 10s).value().rows.size(), 1U);
}

TEST_P(SqlConformance, a_transaction_ends_after_a_failed_statement_too) {
  make_table();
  run(insert_id, {std::int64_t{1}});
  auto const done = in_transaction(*session_, 10s, [&]() -> expected<result> {
    run(insert_id, {std::int64_t{2}});
    return session_->run(insert_id, row{std::int64_t{1}}, 10s);
  });
  EXPECT_EQ(done.error().code, errc::conflict);
  EXPECT_EQ(count(), 1);
  run(insert_id, {std::int64_t{2}});
  EXPECT_EQ(count(), 2);
}

TEST_P(SqlConformance, many_rows_come_back_as_they_went_with_their_nulls) {
  make_table();
  auto const at = time_point{1'796'029'200'123'456us};
  std::vector<row> sets;
  for (std::int64_t i = 0; i < 12; ++i)  // more than a packet
    sets.push_back({i, -i, 0.5, std::string(60'000, 'x') + std::to_string(i), blob{std::string{"\0\xff", 2}},
                    at + i * 1us, cell{}});
  sets[1] = {std::int64_t{1}, cell{}, cell{}, cell{}, cell{}, cell{}, cell{}};
  EXPECT_EQ(session_->run_each(insert_all, sets, 30s).value(), 12U);
  EXPECT_EQ(run(select_all).rows, sets);
  std::vector<row> const some{{std::int64_t{7}, std::int64_t{2}}, {std::int64_t{7}, std::int64_t{99}}};
  EXPECT_EQ(session_->run_each("UPDATE kept SET whole = ? WHERE id = ?", some, 30s).value(), 1U);
}

TEST_P(SqlConformance, runs_a_statement_for_each_of_many_rows_or_for_none) {
  make_table();
  std::vector<row> sets;
  for (std::int64_t i = 0; i < 1'000; ++i) sets.push_back({i, "text " + std::to_string(i)});
  constexpr auto insert = "INSERT INTO kept (id, words) VALUES (?, ?)";
  EXPECT_EQ(session_->run_each(insert, sets, 30s).value(), 1'000U);
  sets = {{std::int64_t{2'000}, "new"}, {std::int64_t{5}, "taken"}};
  EXPECT_EQ(session_->run_each(insert, sets, 30s).error().code, errc::conflict);
  EXPECT_EQ(count(), 1'000);
  EXPECT_EQ(session_->run_each(insert, {}, 30s).value(), 0U);
  auto const both = in_transaction(*session_, 10s, [&]() -> expected<std::uint64_t> {
    run(insert_id, {std::int64_t{3'000}});
    return session_->run_each("UPDATE kept SET whole = 1 WHERE id = ? AND words = ?", sets, 10s);
  });
  EXPECT_EQ(both.value(), 0U);
  EXPECT_EQ(count(), 1'001);
}

TEST_P(SqlConformance, a_row_that_another_holds_is_waited_for_until_the_deadline) {
  make_table();
  run(insert_id, {std::int64_t{1}});
  auto const holder = open();
  ASSERT_TRUE(holder->begin(10s));
  ASSERT_TRUE(holder->run("UPDATE kept SET whole = 1 WHERE id = ?", row{std::int64_t{1}}, 10s));
  EXPECT_EQ(session_->run("UPDATE kept SET whole = 2 WHERE id = ?", row{std::int64_t{1}}, 100ms).error().code,
            errc::timeout);
  ASSERT_TRUE(holder->commit(10s));
  EXPECT_EQ(open()->run(select_all, {}, 10s).value().rows.size(), 1U);
}

TEST_P(SqlConformance, several_at_once_see_what_the_others_committed) {
  make_table();
  std::vector<std::thread> threads;
  for (std::int64_t t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      auto const own = open();
      for (std::int64_t i = 0; i < 50; ++i) EXPECT_TRUE(own->run(insert_id, row{t * 1'000 + i}, 30s));
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(count(), 150);
}

TEST_P(SqlOutage, a_silent_server_costs_the_deadline_and_the_connection) {
  on_.pause();
  auto const begun = std::chrono::steady_clock::now();
  EXPECT_EQ(session_->run("SELECT 1", {}, 150ms).error().code, errc::timeout);
  EXPECT_FALSE(on_.open(150ms));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
  EXPECT_FALSE(session_->alive());
  on_.resume();
  EXPECT_EQ(session_->run("SELECT 1", {}, 1s).error().code, errc::unavailable);
  EXPECT_TRUE(open());
}

TEST_P(SqlOutage, a_server_that_dies_costs_the_connection_and_keeps_what_was_committed) {
  make_table();
  run(insert_id, {std::int64_t{1}});
  on_.kill();
  EXPECT_EQ(session_->run("SELECT 1", {}, 5s).error().code, errc::unavailable);
  EXPECT_FALSE(session_->alive());
  EXPECT_EQ(on_.open(5s).error().code, errc::unavailable);
  on_.start();
  session_ = open();
  EXPECT_EQ(count(), 1);
}

}  // namespace
}  // namespace lovage::sql
