#include "schedule_store_conformance.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

namespace lovage::beats {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

void ScheduleStore::SetUp() {
  auto opened = GetParam().open([this] { return now(); });
  one_ = opened.one;
  other_ = opened.other;
  pass_time_ = opened.pass_time;
  ASSERT_TRUE(one_ && other_);
}

void ScheduleStore::advance(std::chrono::milliseconds by) {
  ahead_ += std::chrono::microseconds{by}.count();
  if (one_->abilities().clock_of_server) pass_time_(by);
}

entry ScheduleStore::made(std::string name, schedule when, origin from) {
  return {std::move(name), std::move(when), R"({"task": "shop.add", "args": [1, 2]})", {}, from, true, {}, {}, {}, 0};
}

void ScheduleStore::put(entry const& e, put_mode mode) {
  auto const done = one_->put({&e, 1}, mode, limit);
  ASSERT_TRUE(done) << done.error().text();
}

changes ScheduleStore::read(std::uint64_t since) {
  auto out = other_->read(since, limit);
  EXPECT_TRUE(out) << out.error().text();
  return out ? *std::move(out) : changes{};
}

std::optional<entry> ScheduleStore::find(std::string_view name) {
  for (auto& e : read().put)
    if (e.name == name) return std::move(e);
  return std::nullopt;
}

std::vector<std::string> ScheduleStore::names(changes const& all) {
  std::vector<std::string> out;
  for (auto const& e : all.put) out.push_back(e.name);
  std::sort(out.begin(), out.end());
  return out;
}

std::uint64_t ScheduleStore::lead(char const* who) {
  auto const got = one_->lead(who, lease, limit);
  EXPECT_TRUE(got) << got.error().text();
  return got && got->mine ? got->term : 0;
}

bool ScheduleStore::claim(std::uint64_t term, std::string_view name, time_point due, bool send) {
  decision const one{name, due, send};
  auto const got = one_->claim(term, {&one, 1}, limit);
  return got && got->at(0);
}

void ScheduleStore::note(std::string_view name, time_point due, bool last, bool counts) {
  sent_note const n{name, due, due + 1s, last, counts};
  ASSERT_TRUE(one_->note_sent({&n, 1}, limit));
}

std::vector<std::string> ScheduleStore::taken_over(std::uint64_t term) {
  auto const got = other_->take_over(term, 100, limit);
  EXPECT_TRUE(got) << got.error().text();
  std::vector<std::string> out;
  for (auto const& o : got.value_or({})) out.push_back(o.entry);
  std::sort(out.begin(), out.end());
  return out;
}

namespace {

// Entries

TEST_P(ScheduleStore, what_is_put_is_read_by_others) {
  auto e = made("nightly");
  e.with.spread(10min).overlap(overlap::skip);
  put(e);
  auto const read = find("nightly").value();
  EXPECT_EQ(read.when, e.when);
  EXPECT_EQ(read.call, e.call);
  EXPECT_EQ(read.with, e.with);
  EXPECT_EQ(read.from, origin::store);
  EXPECT_TRUE(read.enabled);
  EXPECT_NEAR(static_cast<double>((read.counts_from - now()) / 1us), 0, 5e6);
  EXPECT_EQ(read.last_run_at, std::nullopt);
  EXPECT_EQ(read.total_run_count, 0);
}

TEST_P(ScheduleStore, only_what_changed_is_read_again) {
  put(made("a"));
  put(made("b"));
  auto const first = read();
  EXPECT_TRUE(first.all);
  EXPECT_THAT(names(first), ElementsAre("a", "b"));
  EXPECT_THAT(read(first.counter).put, IsEmpty());
  put(made("b", every{30s}));
  put(made("c"));
  EXPECT_THAT(names(read(first.counter)), ElementsAre("b", "c"));
}

TEST_P(ScheduleStore, what_is_removed_is_told) {
  put(made("a"));
  put(made("b"));
  auto const before = read();
  EXPECT_TRUE(one_->remove("a", limit).value());
  EXPECT_FALSE(one_->remove("a", limit).value());
  auto const after = read(before.counter);
  bool const told = std::find(after.removed.begin(), after.removed.end(), "a") != after.removed.end();
  EXPECT_TRUE(told || (after.all && names(after) == std::vector<std::string>{"b"}));
  EXPECT_THAT(names(read()), ElementsAre("b"));
}

TEST_P(ScheduleStore, making_needs_a_free_name_and_changing_a_taken_one) {
  put(made("a"), put_mode::make);
  auto const two = std::vector{made("b"), made("a", every{1s})};
  EXPECT_EQ(one_->put(two, put_mode::make, limit).error().code, errc::conflict);
  EXPECT_EQ(one_->put(two, put_mode::change, limit).error().code, errc::invalid_argument);
  EXPECT_THAT(names(read()), ElementsAre("a"));
  EXPECT_EQ(find("a")->when, schedule{crontab{"0 4 * * *"}});
  put(made("a", every{1s}), put_mode::change);
  EXPECT_EQ(find("a")->when, schedule{every{1s}});
}

TEST_P(ScheduleStore, a_paused_entry_is_told_and_does_not_count_its_pause) {
  put(made("a"));
  auto const before = read();
  EXPECT_TRUE(one_->enable("a", false, limit).value());
  auto const paused = read(before.counter);
  ASSERT_THAT(paused.put, SizeIs(1));
  EXPECT_FALSE(paused.put[0].enabled);
  advance(1h);
  EXPECT_TRUE(one_->enable("a", true, limit).value());
  auto const resumed = read(paused.counter);
  ASSERT_THAT(resumed.put, SizeIs(1));
  EXPECT_TRUE(resumed.put[0].enabled);
  EXPECT_GE(resumed.put[0].counts_from, before.put[0].counts_from + 59min);
  EXPECT_FALSE(one_->enable("nobody", true, limit).value());
}

TEST_P(ScheduleStore, another_schedule_counts_from_now_and_another_argument_from_before) {
  put(made("a"));
  auto const term = lead("x");
  ASSERT_TRUE(claim(term, "a", due_ + 1h));
  note("a", due_ + 1h);
  auto changed = made("a");
  changed.call = R"({"task": "shop.add", "args": [3, 4]})";
  put(changed);
  EXPECT_EQ(find("a")->counts_from, due_ + 1h);
  EXPECT_EQ(find("a")->total_run_count, 1);
  advance(2h);
  put(made("a", every{30s}));
  EXPECT_GT(find("a")->counts_from, due_ + 1h);
  EXPECT_EQ(find("a")->total_run_count, 1);
}

TEST_P(ScheduleStore, entries_of_code_come_and_go_with_it_and_stay_paused) {
  put(made("mine"));
  auto const a = made("a", every{30s}, origin::code), b = made("b", every{30s}, origin::configuration);
  ASSERT_TRUE(one_->sync(std::vector{a, b}, limit));
  auto const before = read();
  EXPECT_THAT(names(before), ElementsAre("a", "b", "mine"));
  ASSERT_TRUE(one_->sync(std::vector{a, b}, limit));
  EXPECT_EQ(read(before.counter).counter, before.counter);
  EXPECT_TRUE(one_->enable("a", false, limit).value());
  ASSERT_TRUE(one_->sync(std::vector{made("a", every{60s}, origin::code)}, limit));
  EXPECT_THAT(names(read()), ElementsAre("a", "mine"));
  EXPECT_FALSE(find("a")->enabled);
  EXPECT_EQ(find("a")->when, schedule{every{60s}});
  EXPECT_EQ(find("a")->from, origin::code);
}

TEST_P(ScheduleStore, names_and_arguments_may_hold_any_text) {
  std::string const name = "it's \"100%\" ✓ {a} \\ ? ; -- $1";
  auto e = made(name);
  e.call = R"({"task": "shop.say", "args": ["'; DROP TABLE x; -- \u0000 ✓ ?"]})";
  put(e);
  EXPECT_EQ(find(name)->call, e.call);
  auto const term = lead("x");
  EXPECT_TRUE(claim(term, name, due_));
  note(name, due_);
  EXPECT_EQ(find(name)->total_run_count, 1);
}

// Leading

TEST_P(ScheduleStore, one_leads_until_its_lease_ends) {
  auto const first = lead("a");
  EXPECT_GT(first, 0U);
  EXPECT_EQ(lead("b"), 0U);
  advance(5s);
  EXPECT_EQ(lead("a"), first);
  advance(8s);
  EXPECT_EQ(other_->lead("b", lease, limit).value().holder, "a");
  advance(2s);
  EXPECT_GT(lead("b"), first);
  EXPECT_EQ(lead("a"), 0U);
}

TEST_P(ScheduleStore, who_resigns_makes_room_at_once) {
  auto const first = lead("a");
  ASSERT_TRUE(one_->resign("b", limit));
  EXPECT_EQ(lead("b"), 0U);
  ASSERT_TRUE(one_->resign("a", limit));
  EXPECT_GT(lead("b"), first);
}

TEST_P(ScheduleStore, a_lease_of_a_clock_that_was_set_back_is_over) {
  auto const first = lead("a");
  advance(-1h);
  EXPECT_GT(lead("b"), first);
}

TEST_P(ScheduleStore, a_term_that_is_over_claims_nothing) {
  put(made("a"));
  auto const old = lead("x");
  advance(10s);
  auto const term = lead("y");
  decision const one{"a", due_, true};
  EXPECT_EQ(one_->claim(old, {&one, 1}, limit).error().code, errc::conflict);
  EXPECT_EQ(one_->take_over(old, 9, limit).error().code, errc::conflict);
  EXPECT_TRUE(claim(term, "a", due_));
  ASSERT_TRUE(one_->resign("y", limit));
  EXPECT_EQ(one_->claim(term, {&one, 1}, limit).error().code, errc::conflict);
}

// Claims

TEST_P(ScheduleStore, an_occurrence_is_claimed_once) {
  put(made("a"));
  auto const term = lead("x");
  EXPECT_TRUE(claim(term, "a", due_));
  EXPECT_FALSE(claim(term, "a", due_));
  EXPECT_TRUE(claim(term, "a", due_ + 1us));
  EXPECT_FALSE(claim(term, "gone", due_));
  EXPECT_EQ(find("a")->counts_from, std::max(due_ + 1us, find("a")->counts_from));
}

TEST_P(ScheduleStore, of_many_who_claim_the_same_one_gets_each) {
  std::vector<entry> entries;
  for (int i = 0; i < 40; ++i) entries.push_back(made("e" + std::to_string(i)));
  ASSERT_TRUE(one_->put(entries, put_mode::make, limit));
  auto const term = lead("x");
  std::atomic<int> mine{0}, failed{0};
  std::vector<std::thread> crowd;
  for (int t = 0; t < 4; ++t)
    crowd.emplace_back([&, t] {
      std::vector<decision> all;
      for (auto const& e : entries) all.push_back({e.name, due_, true});
      auto const got = (t % 2 == 0 ? one_ : other_)->claim(term, all, 20s);
      if (!got) ++failed;
      for (bool const yes : got.value_or({})) mine += yes ? 1 : 0;
    });
  for (auto& t : crowd) t.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(mine, 40);
}

TEST_P(ScheduleStore, what_is_skipped_is_past_and_not_claimed) {
  put(made("a"));
  auto const term = lead("x");
  EXPECT_FALSE(claim(term, "a", due_ + 1h, false));
  EXPECT_EQ(find("a")->counts_from, due_ + 1h);
  EXPECT_EQ(find("a")->total_run_count, 0);
  advance(1min);
  EXPECT_THAT(taken_over(lead("y")), IsEmpty());
}

TEST_P(ScheduleStore, what_was_sent_is_counted_once) {
  put(made("a"));
  auto const term = lead("x");
  ASSERT_TRUE(claim(term, "a", due_));
  note("a", due_);
  note("a", due_);
  auto const e = find("a").value();
  EXPECT_EQ(e.last_due, due_);
  EXPECT_EQ(e.last_run_at, due_ + 1s);
  EXPECT_EQ(e.total_run_count, 1);
}

TEST_P(ScheduleStore, what_could_not_be_sent_is_settled_and_not_counted) {
  put(made("a"));
  ASSERT_TRUE(claim(lead("x"), "a", due_));
  note("a", due_, false, false);
  EXPECT_EQ(find("a")->total_run_count, 0);
  advance(1min);
  EXPECT_THAT(taken_over(lead("y")), IsEmpty());
}

TEST_P(ScheduleStore, an_entry_for_once_is_paused_when_it_was_sent) {
  put(made("a"));
  auto const before = read();
  ASSERT_TRUE(claim(lead("x"), "a", due_));
  note("a", due_, true);
  auto const after = read(before.counter);
  ASSERT_THAT(after.put, SizeIs(1));
  EXPECT_FALSE(after.put[0].enabled);
}

TEST_P(ScheduleStore, claims_of_the_dead_are_taken_over_once_in_a_while) {
  for (auto const* name : {"sent", "unsent", "gone"}) put(made(name));
  auto const term = lead("x");
  for (auto const* name : {"sent", "unsent", "gone"}) ASSERT_TRUE(claim(term, name, due_));
  note("sent", due_);
  EXPECT_THAT(taken_over(term), IsEmpty());
  ASSERT_TRUE(one_->remove("gone", limit).value());
  advance(10s);
  auto const next = lead("y");
  EXPECT_THAT(taken_over(next), ElementsAre("unsent"));
  EXPECT_THAT(taken_over(next), IsEmpty());
  advance(6s);
  EXPECT_EQ(one_->take_over(next, 9, limit).value(), (std::vector{occurrence{"unsent", due_}}));
  note("unsent", due_);
  advance(6s);
  EXPECT_THAT(taken_over(lead("y")), IsEmpty());
}

TEST_P(ScheduleStore, old_claims_are_removed_and_young_ones_stay) {
  put(made("a"));
  auto const term = lead("x");
  ASSERT_TRUE(claim(term, "a", due_));
  note("a", due_);
  EXPECT_EQ(one_->cleanup(limit).value(), 0U);
  EXPECT_FALSE(claim(term, "a", due_));
  if (one_->abilities().clock_of_server) return;  // it forgets by itself
  advance(claim_kept + 1h);
  EXPECT_EQ(one_->cleanup(limit).value(), 1U);
}

// Waiting

TEST_P(ScheduleStore, waiting_ends_when_it_is_interrupted_and_at_its_deadline) {
  one_->interrupt();
  one_->wait(deadline::in(20s));
  one_->wait(deadline::in(1ms));
  std::thread other{[&] { one_->interrupt(); }};
  auto const begun = std::chrono::steady_clock::now();
  one_->wait(deadline::in(20s));
  other.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 15s);
}

TEST_P(ScheduleStore, a_store_that_tells_wakes_those_who_wait_for_a_change) {
  if (!one_->abilities().tells) return;  // asked now and then
  one_->wait(deadline::in(1ms));
  auto const begun = std::chrono::steady_clock::now();
  std::thread writer{[&] {
    auto const e = made("a");
    EXPECT_TRUE(other_->put({&e, 1}, put_mode::make, limit));
  }};
  auto counter = std::uint64_t{0};
  while (names(read(counter)).empty() && std::chrono::steady_clock::now() - begun < 15s) one_->wait(deadline::in(20s));
  writer.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 15s);
}

}  // namespace
}  // namespace lovage::beats
