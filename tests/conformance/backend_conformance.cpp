#include "backend_conformance.hpp"

#include <gmock/gmock.h>

#include <set>
#include <thread>

namespace lovage::backend {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using wire::result_record;

void BackendConformance::SetUp() {
  auto opened = GetParam().open([this] { return system_now() + std::chrono::microseconds{ahead_.load()}; });
  backend_ = opened.on;
  ASSERT_TRUE(backend_);
  can_ = backend_->abilities();
  pass_time_ = opened.pass_time;
  reply_to_ = opened.reply_to;
  ASSERT_TRUE(backend_->expect_replies(5s));
}

result_record BackendConformance::record(std::string id, std::string status, value result) const {
  result_record r;
  r.id = task_id{std::move(id)};
  r.status = std::move(status);
  r.result = std::move(result);
  r.reply_to = reply_to_;
  return r;
}

void BackendConformance::store(result_record const& r, std::chrono::seconds expires) {
  auto const done = backend_->store(std::vector{r}, expires, 5s);
  ASSERT_TRUE(done) << done.error().text();
  settle();
}

// Messages come in order: when the last one is there, all are.
void BackendConformance::settle() {
  if (can_.keeps_records) return;
  auto const fence = record("fence-" + std::to_string(fences_++), wire::state::success);
  ASSERT_TRUE(backend_->store(std::vector{fence}, 1h, 5s));
  auto const watch = backend_->make_watch().value();
  watch->add({&fence.id, 1});
  ASSERT_THAT(watch->next(10s).value(), SizeIs(1));
}

void BackendConformance::advance(std::chrono::milliseconds by) {
  if (can_.clock_of_server) {
    pass_time_(by);
  } else {
    ahead_ += std::chrono::microseconds{by}.count();
  }
}

result_record BackendConformance::fetch(std::string const& id) {
  return backend_->fetch(std::vector{task_id{id}}, 5s).value().at(0);
}

namespace {

TEST_P(BackendConformance, gives_back_what_was_stored) {
  auto r =
      record("a", wire::state::failure, value::map{{"exc_type", "ValueError"}, {"exc_message", value::list{"no"}}});
  r.traceback = "Traceback";
  r.children = value::list{};
  r.date_done = "2026-11-23T12:00:00.123456+00:00";
  r.group_id = "g";
  r.parent_id = "p";
  r.extended = value::map{{"name", "shop.add"}, {"retries", 2}};
  store(r);
  EXPECT_EQ(fetch("a"), can_.keeps_records ? r : wire::to_record(wire::to_rpc_value(r)).value());
}

TEST_P(BackendConformance, answers_in_order_and_pending_for_what_is_not_there) {
  store(record("a", wire::state::success, 1));
  store(record("b", wire::state::success, 2));
  auto const got = backend_->fetch(std::vector{task_id{"b"}, task_id{"none"}, task_id{"a"}, task_id{"b"}}, 5s).value();
  ASSERT_THAT(got, SizeIs(4));
  EXPECT_EQ(got[0].result, value{2});
  EXPECT_EQ(got[1].status, wire::state::pending);
  EXPECT_EQ(got[1].id, task_id{"none"});
  EXPECT_EQ(got[2].result, value{1});
  EXPECT_EQ(got[3].result, value{2});
}

TEST_P(BackendConformance, replaces_everything_but_a_success) {
  for (auto const* status : {wire::state::started, wire::state::retry, wire::state::failure, wire::state::revoked}) {
    store(record("a", status));
    EXPECT_EQ(fetch("a").status, status);
  }
  store(record("a", wire::state::success, 5));
  store(record("a", wire::state::failure));
  store(record("a", wire::state::success, 6));
  EXPECT_EQ(fetch("a").status, wire::state::success);
  EXPECT_EQ(fetch("a").result, value{5});
}

TEST_P(BackendConformance, shows_nothing_that_has_expired_and_removes_it) {
  if (!can_.keeps_records) GTEST_SKIP() << "its records are messages, which do not expire one by one";
  std::uint64_t const removed = can_.clock_of_server ? 0 : 1;
  store(record("short", wire::state::success, 1), 10s);
  store(record("long", wire::state::success, 2), 1h);
  store(record("ever", wire::state::success, 3), 0s);
  EXPECT_EQ(backend_->cleanup(5s).value(), 0U);
  advance(11s);
  EXPECT_EQ(fetch("short").status, wire::state::pending);
  EXPECT_EQ(backend_->cleanup(5s).value(), removed);
  store(record("short", wire::state::started), 10s);
  advance(11s);
  store(record("short", wire::state::success, 4), 10s);
  EXPECT_EQ(fetch("short").result, value{4});
  advance(24h * 365);
  EXPECT_EQ(fetch("ever").result, value{3});
  EXPECT_EQ(fetch("long").status, wire::state::pending);
}

TEST_P(BackendConformance, lets_an_expired_success_be_replaced) {
  if (!can_.keeps_records) GTEST_SKIP() << "its records are messages, which do not expire one by one";
  store(record("a", wire::state::success, 1), 10s);
  advance(11s);
  store(record("a", wire::state::success, 2), 10s);
  EXPECT_EQ(fetch("a").result, value{2});
}

TEST_P(BackendConformance, forgets) {
  store(record("a", wire::state::success, 1));
  ASSERT_TRUE(backend_->forget(std::vector{task_id{"a"}, task_id{"none"}}, 5s));
  EXPECT_EQ(fetch("a").status, wire::state::pending);
  store(record("a", wire::state::failure));
  EXPECT_EQ(fetch("a").status, wire::state::failure);
}

TEST_P(BackendConformance, refuses_what_has_no_form_and_stores_nothing_of_the_batch) {
  std::vector const batch{record("a", wire::state::success, 1),
                          record("b", "")};  // a record without a state has no form
  EXPECT_EQ(backend_->store(batch, 1h, 5s).error().code, errc::encode);
  EXPECT_EQ(fetch("a").status, wire::state::pending);
}

TEST_P(BackendConformance, a_watch_shows_what_is_there_and_what_comes) {
  store(record("a", wire::state::success, 1));
  auto const watch = backend_->make_watch().value();
  watch->add(std::vector{task_id{"a"}, task_id{"b"}});
  auto got = watch->next(5s).value();
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].id, task_id{"a"});
  store(record("b", wire::state::started));
  ASSERT_THAT(got = watch->next(5s).value(), SizeIs(1));
  EXPECT_EQ(got[0].status, wire::state::started);
  EXPECT_THAT(watch->next(1ms).value(), IsEmpty());
  store(record("b", wire::state::retry));
  store(record("b", wire::state::success, 2));
  do {  // the retry may be seen or not
    ASSERT_THAT(got = watch->next(5s).value(), SizeIs(1));
  } while (got[0].status == wire::state::retry);
  EXPECT_EQ(got[0].result, value{2});
  EXPECT_THAT(watch->next(deadline::never()).value(), IsEmpty()) << "nothing is watched any more";
}

TEST_P(BackendConformance, a_watch_sleeps_until_a_result_is_written) {
  auto const watch = backend_->make_watch().value();
  watch->add(std::vector{task_id{"a"}});
  std::thread writer{[&] {
    store(record("other", wire::state::success));
    store(record("a", wire::state::success, 1));
  }};
  EXPECT_THAT(watch->next(60s).value(), SizeIs(1));
  writer.join();
}

TEST_P(BackendConformance, a_watch_is_interrupted_and_loses_ids) {
  auto const watch = backend_->make_watch().value();
  watch->add(std::vector{task_id{"a"}, task_id{"b"}});
  watch->interrupt();
  EXPECT_THAT(watch->next(deadline::never()).value(), IsEmpty());
  watch->remove(task_id{"a"});
  store(record("a", wire::state::success));
  EXPECT_THAT(watch->next(1ms).value(), IsEmpty());
  std::thread sleeper{[&] { EXPECT_THAT(watch->next(deadline::never()).value(), IsEmpty()); }};
  watch->interrupt();
  sleeper.join();
}

TEST_P(BackendConformance, a_watch_takes_an_id_again) {
  store(record("a", wire::state::failure));
  auto const watch = backend_->make_watch().value();
  for (int i = 0; i < 2; ++i) {
    watch->add(std::vector{task_id{"a"}});
    EXPECT_THAT(watch->next(5s).value(), SizeIs(1));
  }
}

TEST_P(BackendConformance, a_watch_of_thousands_sees_every_one_once) {
  constexpr int count = 3000;
  auto const watch = backend_->make_watch().value();
  std::vector<task_id> ids;
  for (int i = 0; i < count; ++i) ids.emplace_back("id-" + std::to_string(i));
  std::thread writer{[&] {
    for (int i = 0; i < count; i += 50) {
      std::vector<result_record> batch;
      for (int k = i; k < i + 50; ++k) batch.push_back(record("id-" + std::to_string(k), wire::state::success, k));
      EXPECT_TRUE(backend_->store(batch, 1h, 30s));
    }
  }};
  watch->add(std::span{ids}.first(count / 2));  // the other half is added while results come
  std::multiset<std::string> seen;
  bool added = false;
  while (seen.size() < count) {
    auto some = watch->next(30s).value();
    for (auto const& r : some) seen.insert(r.id.str());
    if (!std::exchange(added, true)) watch->add(std::span{ids}.subspan(count / 2));
  }
  writer.join();
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(count));
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
}

TEST_P(BackendConformance, is_used_by_many_threads_at_once) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        auto const id = std::to_string(t) + "-" + std::to_string(i);
        store(record(id, wire::state::success, i));
        EXPECT_EQ(fetch(id).result, value{i});
      }
    });
  for (auto& t : threads) t.join();
}

}  // namespace
}  // namespace lovage::backend
