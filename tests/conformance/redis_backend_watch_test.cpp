// Waiting for results in Redis: what is subscribed to, and what happens when the server goes away.
#include "redis_backend_test.hpp"

#include <gmock/gmock.h>

#include <thread>

namespace lovage::backend {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using wire::result_record;

class RedisWatch : public RedisBackend {
 protected:
  static std::vector<task_id> ids(std::initializer_list<char const*> names) {
    std::vector<task_id> out;
    for (auto const* n : names) out.emplace_back(n);
    return out;
  }
  static std::string channel(std::string const& id) { return "celery-task-meta-" + id; }
  /// On the same server, taking it for dead after `heartbeat`.
  std::shared_ptr<result_backend> impatient(std::chrono::milliseconds heartbeat) const {
    return backend_of([&](settings& s) { s.connection.heartbeat = heartbeat; });
  }
};

TEST_F(RedisWatch, NothingIsSubscribedToBeforeSomebodyWaits) {
  auto const watch = on_->make_watch().value();
  store(record("a", "SUCCESS"));
  (void)fetch("a");
  EXPECT_THAT(channels(), IsEmpty());
  EXPECT_EQ(pubsub_clients(), 0);
}

TEST_F(RedisWatch, AReadyResultIsUnsubscribedFrom) {
  auto const watch = on_->make_watch().value();
  watch->add(ids({"a", "b"}));
  wait_for_channels({channel("a"), channel("b")});
  store(record("a", "SUCCESS", 1));
  EXPECT_THAT(watch->next(5s).value(), SizeIs(1));
  wait_for_channels({channel("b")});
  store(record("b", "STARTED"));
  EXPECT_THAT(watch->next(5s).value(), SizeIs(1));
  EXPECT_EQ(channels(), std::set{channel("b")}) << "not ready yet";
  store(record("b", "FAILURE"));
  EXPECT_THAT(watch->next(5s).value(), SizeIs(1));
  wait_for_channels({});
}

TEST_F(RedisWatch, WhatIsDroppedLeavesNothingBehind) {
  auto watch = on_->make_watch().value();
  watch->add(ids({"a", "b", "c"}));
  wait_for_channels({channel("a"), channel("b"), channel("c")});
  watch->remove(task_id{"b"});
  wait_for_channels({channel("a"), channel("c")});
  auto const other = on_->make_watch().value();
  other->add(ids({"c"}));
  watch.reset();
  wait_for_channels({channel("c")});
  store(record("c", "SUCCESS", 3));
  EXPECT_EQ(other->next(5s).value().at(0).result, value{3});
  wait_for_channels({});
}

TEST_F(RedisWatch, FiveThousandResultsAreWaitedForOverOneConnection) {
  constexpr int count = 5000;
  std::vector<std::unique_ptr<watch>> watches;
  for (int w = 0; w < 5; ++w) {
    watches.push_back(on_->make_watch().value());
    std::vector<task_id> mine;
    for (int i = w; i < count; i += 5) mine.emplace_back(std::to_string(i));
    watches.back()->add(mine);
  }
  for (auto const until = deadline::in(30s); channels().size() != count;) ASSERT_FALSE(until.passed());
  EXPECT_EQ(pubsub_clients(), 1);
  std::vector<result_record> all;
  for (int i = 0; i < count; ++i) all.push_back(record(std::to_string(i), "SUCCESS", i));
  ASSERT_TRUE(on_->store(all, 1h, 30s));
  std::size_t seen = 0;
  for (auto const& w : watches)
    for (std::size_t mine = 0; mine < count / 5;) {
      auto const got = w->next(30s).value();
      ASSERT_THAT(got, ::testing::Not(IsEmpty()));
      for (auto const& r : got) EXPECT_EQ(r.result, value{std::stoi(r.id.str())});
      mine += got.size();
      seen += got.size();
    }
  EXPECT_EQ(seen, static_cast<std::size_t>(count));
  wait_for_channels({});
  EXPECT_LE(calls_of("subscribe"), 15) << "in batches";
}

TEST_F(RedisWatch, NothingIsMissedWhileSubscriptionsComeAndGo) {
  std::atomic<bool> done{false};
  std::thread writer{[&] {
    for (int i = 0; i < 1500; ++i) store(record(std::to_string(i), "SUCCESS", i));
    done = true;
  }};
  int seen = 0;
  for (int i = 0; i < 1500; ++i) {
    auto const watch = on_->make_watch().value();
    watch->add(ids({std::to_string(i).c_str()}));
    seen += static_cast<int>(watch->next(20s).value().size());
  }
  writer.join();
  EXPECT_EQ(seen, 1500);
}

TEST_F(RedisWatch, WhatIsShownNeverGoesBack) {
  constexpr int last = 400;
  std::thread writer{[&] {
    for (int i = 1; i <= last; ++i) store(record("a", i == last ? "SUCCESS" : "PROGRESS", i));
  }};
  std::int64_t newest = 0;
  while (newest != last) {
    auto const watch = on_->make_watch().value();  // again and again: messages cross the first look
    watch->add(ids({"a"}));
    for (int k = 0; k < 5 && newest != last; ++k)
      for (auto const& r : watch->next(20s).value()) {
        auto const n = *r.result.get_if<std::int64_t>();
        EXPECT_GE(n, newest);
        newest = n;
      }
  }
  writer.join();
}

TEST_F(RedisWatch, AFinalMessageIsEnoughWhereNothingWasStored) {
  auto const watch = on_->make_watch().value();
  watch->add(ids({"a"}));
  wait_for_channels({channel("a")});
  say({"PUBLISH", channel("a"), R"({"status": "SUCCESS", "result": 42, "task_id": "a"})"});
  EXPECT_EQ(watch->next(5s).value().at(0).result, value{42});
}

TEST_F(RedisWatch, OutlivesARestartOfTheServer) {
  auto const watch = on_->make_watch().value();
  watch->add(ids({"a", "b"}));
  wait_for_channels({channel("a"), channel("b")});
  server_.kill();
  server_.start();
  store(record("a", "SUCCESS", 1));
  EXPECT_EQ(watch->next(20s).value().at(0).result, value{1});
  wait_for_channels({channel("b")});
  store(record("b", "SUCCESS", 2));
  EXPECT_EQ(watch->next(20s).value().at(0).result, value{2});
}

TEST_F(RedisWatch, FindsWhatWasStoredWhileItsConnectionWasGone) {
  auto const watch = on_->make_watch().value();
  std::vector<task_id> all;
  for (int i = 0; i < 200; ++i) all.emplace_back(std::to_string(i));
  watch->add(all);
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    if (i % 10 == 5) say({"CLIENT", "KILL", "TYPE", "pubsub"});
    store(record(std::to_string(i), "SUCCESS", i));
  }
  while (seen.size() < 200) {
    auto const got = watch->next(20s).value();
    ASSERT_THAT(got, ::testing::Not(IsEmpty()));
    for (auto const& r : got) seen.insert(r.id.str());
  }
}

TEST_F(RedisWatch, NoticesThatTheServerFellSilent) {
  auto const on = impatient(300ms);
  auto const watch = on->make_watch().value();
  watch->add(ids({"a"}));
  wait_for_channels({channel("a")});
  server_.freeze();
  auto const silent = watch->next(2s);
  ASSERT_FALSE(silent) << "an empty answer would mean that the task is not done";
  EXPECT_THAT(silent.error().text(), HasSubstr("Redis"));
  server_.thaw();
  store(record("a", "SUCCESS", 1));
  auto got = watch->next(20s);
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->at(0).result, value{1});
}

TEST_F(RedisWatch, AQuietServerIsNotTakenForADeadOne) {
  auto const on = impatient(100ms);
  auto const watch = on->make_watch().value();
  watch->add(ids({"a"}));
  wait_for_channels({channel("a")});
  auto const subscriptions = calls_of("subscribe");
  EXPECT_THAT(watch->next(600ms).value(), IsEmpty());
  EXPECT_EQ(calls_of("subscribe"), subscriptions) << "the same connection all the time";
  store(record("a", "SUCCESS"));
  EXPECT_THAT(watch->next(5s).value(), SizeIs(1));
}

TEST_F(RedisWatch, SaysNothingToTheServerWhileNobodyWaits) {
  auto const on = impatient(100ms);
  auto const watch = on->make_watch().value();
  watch->add(ids({"a"}));
  store(record("a", "SUCCESS"));
  EXPECT_THAT(watch->next(5s).value(), SizeIs(1));
  wait_for_channels({});
  auto const pings = calls_of("ping");
  for (auto const until = deadline::in(400ms); !until.passed();) (void)calls_of("ping");
  EXPECT_EQ(calls_of("ping"), pings);
}

TEST_F(RedisWatch, HonoursItsDeadlineWithoutAServer) {
  server_.kill();
  auto const watch = on_->make_watch().value();
  watch->add(ids({"a"}));
  auto const from = std::chrono::steady_clock::now();
  auto const got = watch->next(300ms);
  EXPECT_LT(std::chrono::steady_clock::now() - from, 3s);
  EXPECT_EQ(got.error().code, errc::unavailable);
  watch->interrupt();
  EXPECT_THAT(watch->next(deadline::never()).value(), IsEmpty());
}

TEST_F(RedisWatch, AServerThatRefusesUsIsToldAtOnce) {
  auto const on = backend_of(
      [this](settings& s) { s.connection.urls = "redis://:wrong@127.0.0.1:" + std::to_string(server_.port()); });
  auto const watch = on->make_watch().value();
  watch->add(ids({"a"}));
  EXPECT_EQ(watch->next(deadline::never()).error().code, errc::bad_config);
}

TEST_F(RedisWatch, EndsWithItsBackendWhateverTheServerDoes) {
  for (int i = 0; i < 3; ++i) {
    auto on = impatient(300ms);
    auto watch = on->make_watch().value();
    watch->add(ids({"a"}));
    if (i == 1) server_.kill();
    if (i == 2) server_.start(), server_.freeze();
    on.reset();
    watch.reset();
  }
  server_.thaw();
}

}  // namespace
}  // namespace lovage::backend
