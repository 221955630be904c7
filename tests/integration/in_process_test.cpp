// The whole path in one process: send, claim, run, store, read. On memory:// and on a SQLite file alike.
#include <lovage/testing.hpp>

#include "app/registry.hpp"

#include "redis_server.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>

namespace lovage {
namespace {

using namespace std::chrono_literals;

constexpr task<int(int, int)> add{"t.add", {"x", "y"}};
constexpr task<int(int)> flaky{"t.flaky", {"succeed_at"}};
constexpr task<void(std::string)> fail_with{"t.fail", {"message"}};
constexpr task<int()> steps{"t.steps"};
constexpr task<int()> hold{"t.hold"};
constexpr task<std::string()> text{"t.text"};
constexpr task<int()> unknown{"t.unknown"};

struct declined : std::runtime_error {
  using runtime_error::runtime_error;
};

class InProcess : public ::testing::TestWithParam<char const*> {
 protected:
  InProcess() : on{make()} {
    on.tasks().define(add, [](int x, int y) { return x + y; });
    on.tasks().define(fail_with, [](std::string const& message) {
      if (message == "declined") throw declined{"no money"};
      throw std::invalid_argument{message};
    });
    on.tasks().define(flaky, [](context& self, int at) {
      if (self.retries() < at) throw self.retry(0s);
      return self.retries();
    });
    on.tasks().define(steps, [](context& self) { return self.progress(1, 2), self.progress(2, 2), 7; });
    on.tasks().define(text, [] { return std::string{"text"}; });
    on.tasks().define(hold, [this] { return held.set_value(), release.get_future().get(); });
  }
  app make() {
    auto base = config{}.task_delivery_limit(2);
    std::string const where = GetParam();
    auto const memory = "memory://" + std::string{::testing::UnitTest::GetInstance()->current_test_info()->name()};
    if (where == "memory") return testing::memory_app(base);
    if (where == "rpc") return app{base.broker_url(memory).result_backend("rpc://")};
    if (where == "redis") {
      static testing::redis_server server;
      return app{base.broker_url(memory).result_backend(server.url())};
    }
    auto& directory = scratch.directory;
    std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::replace(name.begin(), name.end(), '/', '-');  // a parameterised test's name has a slash
    directory = std::filesystem::path{::testing::TempDir()} / ("lovage-" + std::to_string(::getpid()) + "-" + name);
    std::filesystem::create_directories(directory);
    auto const url = "sqlite:///" + (directory / "store.db").string();
    return app{base.broker_url(url).result_backend(url)};
  }

  struct scratch_directory {  // outlives the app, which still writes while it closes
    ~scratch_directory() {
      if (!directory.empty()) std::filesystem::remove_all(directory);
    }
    std::filesystem::path directory;
  } scratch;
  app on;
  std::promise<void> held;
  std::promise<int> release;
};

TEST_P(InProcess, ATaskIsSentRunAndAnswered) {
  testing::background_worker worker{on};
  EXPECT_EQ(on.task(add).delay(2, 3).get(10s), 5);
  EXPECT_EQ(on.send(add.s(4, 5).priority(9)).get(10s), 9);
}

TEST_P(InProcess, AResultCanBeReadManyTimesAndForgotten) {
  testing::background_worker worker{on};
  auto const r = on.task(add).delay(2, 3);
  EXPECT_EQ(r.get(10s), 5);
  EXPECT_EQ(r.get(10s), 5);
  EXPECT_EQ(on.result<int>(r.id()).get(1s), 5);
  EXPECT_EQ(r.state(), "SUCCESS");
  r.forget();
  EXPECT_EQ(r.state(), "PENDING");
}

TEST_P(InProcess, AFailureIsThrownWithTypeAndMessage) {
  testing::background_worker worker{on};
  try {
    on.task(fail_with).delay("no url").get(10s);
    FAIL() << "did not throw";
  } catch (task_failed const& e) {
    EXPECT_EQ(e.type(), "ValueError");
    EXPECT_EQ(e.message(), "no url");
  }
  auto const e = on.task(fail_with).delay("declined").try_get(10s);
  ASSERT_FALSE(e);
  EXPECT_EQ(e.error().code, errc::task_failed);
  EXPECT_NE(e.error().detail.find("declined: no money"), std::string::npos);
}

TEST_P(InProcess, ATaskThatAsksForRetriesRunsUntilItSucceedsOrTheyAreUsedUp) {
  testing::background_worker worker{on};
  EXPECT_EQ(on.task(flaky).delay(2).get(10s), 2);
  auto const e = on.task(flaky).delay(99).try_get(10s);
  ASSERT_FALSE(e);
  EXPECT_NE(e.error().detail.find("MaxRetriesExceededError"), std::string::npos);
}

TEST_P(InProcess, NamedCallsTakeKeywordArgumentsAndWrongOnesFailTheTask) {
  testing::background_worker worker{on};
  EXPECT_EQ(on.send_named("t.add", {1}, {{"y", 2}}).get(10s), value{3});
  auto const e = on.send_named("t.add", {1, "two"}).try_get(10s);
  ASSERT_FALSE(e);
  EXPECT_NE(e.error().detail.find("TypeError: t.add() argument 'y': expected int, got str"), std::string::npos);
}

TEST_P(InProcess, AnUnregisteredTaskFailsAtItsCaller) {
  testing::background_worker worker{on};
  auto const e = on.task(unknown).delay().try_get(10s);
  ASSERT_FALSE(e);
  EXPECT_NE(e.error().detail.find("NotRegistered"), std::string::npos);
}

TEST_P(InProcess, ManyTasksAreFollowedOverOneConnection) {
  testing::background_worker worker{on, 2};
  std::vector<signature<int()>> calls;
  for (int i = 0; i < 500; ++i) calls.push_back(add.s(i, 1));
  auto const results = on.send_many(calls);
  std::vector<task_id> ids;
  for (auto const& r : results) ids.push_back(r.id());
  std::vector<int> seen(500, -1);
  auto const ready = on.follow(
      ids,
      [&](std::size_t i, task_status const& s) {
        if (s.ready()) seen[i] = static_cast<int>(*s.result.get_if<std::int64_t>());
      },
      30s);
  EXPECT_EQ(ready, 500U);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i + 1);
}

TEST_P(InProcess, ProgressIsSeenBeforeTheResult) {
  auto const r = on.task(steps).delay();
  testing::background_worker worker{on};
  EXPECT_EQ(r.get(10s), 7);
}

TEST_P(InProcess, AResultOfAnotherTypeIsADecodeErrorThatNamesTheTask) {
  testing::background_worker worker{on};
  auto const r = on.task(text).delay();
  ASSERT_TRUE(r.wait(10s));
  auto const e = on.result<int>(r.id()).try_get(1s);
  ASSERT_FALSE(e);
  EXPECT_EQ(e.error().code, errc::decode);
}

TEST_P(InProcess, NoWorkerMeansTimeoutNotForEver) {
  auto const e = on.task(add).delay(1, 2).try_get(20ms);
  ASSERT_FALSE(e);
  EXPECT_EQ(e.error().code, errc::timeout);
}

TEST_P(InProcess, AnExpiredTaskIsRevoked) {
  auto const r = on.send(add.s(1, 2).expires(1us));
  testing::background_worker worker{on};
  auto const e = r.try_get(10s);
  ASSERT_FALSE(e);
  EXPECT_EQ(e.error().code, errc::revoked);
}

TEST_P(InProcess, AWarmShutdownFinishesWhatRunsAndGivesBackTheRest) {
  auto const first = on.task(hold).delay();
  std::vector<async_result<int>> rest;
  {
    testing::background_worker worker{on};
    held.get_future().wait();
    for (int i = 0; i < 3; ++i) rest.push_back(on.task(add).delay(i, i));
    release.set_value(42);
  }
  EXPECT_EQ(first.get(std::string_view{GetParam()} == "rpc" ? 10s : 0s), 42);  // a reply may still be under way
  testing::background_worker next{on};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(rest[static_cast<std::size_t>(i)].get(10s), 2 * i);
}

TEST_P(InProcess, BadCallsAreRefusedBeforeTheyAreSent) {
  EXPECT_THROW(on.send(add.s(1, 2).priority(12)), error);
  EXPECT_THROW(on.send(add.s(1, 2).queue("")), error);
  EXPECT_THROW(on.send_named(""), error);
  EXPECT_THROW(on.send(add.s(1, 2).options(call_options{}.serializer("pickle"))), error);
}

TEST_P(InProcess, EverySerializerAndCompressionGoesThrough) {
  testing::background_worker worker{on};
  for (auto const* compression : {"zlib", "bzip2", "lzma", "brotli", "zstd"})
    EXPECT_EQ(on.send(add.s(2, 3).options(call_options{}.compression(compression))).get(10s), 5) << compression;
}

INSTANTIATE_TEST_SUITE_P(Stores, InProcess, ::testing::Values("memory", "sqlite", "rpc", "redis"),
                         [](auto const& on) { return std::string{on.param}; });

TEST(Rpc, AnswersWhoAskedAndNobodyElse) {
  auto const broker = "memory://" + std::string{"answers-who-asked"};
  auto const base = config{}.broker_url(broker).result_backend("rpc://");
  app worker_side{base}, asker{base}, other{base};
  worker_side.tasks().define(add, [](int x, int y) { return x + y; });
  testing::background_worker worker{worker_side};
  auto const sent = asker.task(add).delay(2, 3);
  EXPECT_EQ(sent.get(10s), 5);
  auto const refused = other.result<int>(sent.id()).try_get(10s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::not_supported);
  EXPECT_NE(refused.error().detail.find("only to the program that sent the task"), std::string::npos);
  EXPECT_EQ(other.task(add).delay(4, 5).get(10s), 9);
  auto const late = other.result<int>(sent.id()).try_get(20ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, errc::timeout);
  EXPECT_NE(late.error().detail.find("only the app that sent a task"), std::string::npos);
}

TEST(Rpc, EveryResultOfManyReachesItsSenderThoughAskedForLater) {
  auto on = app{config{}.broker_url("memory://many-replies").result_backend("rpc://")};
  on.tasks().define(add, [](int x, int y) { return x + y; });
  testing::background_worker worker{on, 2};
  std::vector<signature<int()>> calls;
  for (int i = 0; i < 300; ++i) calls.push_back(add.s(i, 1));
  auto const results = on.send_many(calls);
  for (int i = 299; i >= 0; --i) EXPECT_EQ(results[static_cast<std::size_t>(i)].get(10s), i + 1);
}

TEST(Eager, RunsInTheCallerThroughTheSerializer) {
  auto on = testing::eager_app();
  on.tasks().define(add, [](int x, int y) { return x + y; });
  on.tasks().define(flaky, [](context& self, int at) {
    if (self.retries() < at) throw self.retry(1h);
    return self.retries();
  });
  on.tasks().define(fail_with, [](std::string const& m) { throw std::invalid_argument{m}; });
  EXPECT_EQ(on.task(add).delay(2, 3).get(0s), 5);
  EXPECT_EQ(on.task(flaky).delay(2).get(0s), 2);
  EXPECT_THROW(on.task(fail_with).delay("x").get(0s), task_failed);
}

TEST(Eager, PropagatesFromDelayWhenAsked) {
  auto on = testing::eager_app(true);
  on.tasks().define(fail_with, [](std::string const& m) { throw std::invalid_argument{m}; });
  EXPECT_THROW(on.task(fail_with).delay("x"), error);
}

// Of a plug-in in another language, say.
void run_garbled(void*, lovage_host const* host, void* call, char const*, std::size_t, char const*, std::size_t) {
  host->update_state(call, "X", 1, "\xc1", 1);
  host->send_event(call, "task-x", 6, "\xc1", 1);
  host->send_event(call, "task-x", 6, "\x05", 1);  // no map
  auto const five = pack(5);
  host->finish(call, LOVAGE_SUCCESS, five.data(), five.size());
}

TEST(Garbage, FromABodyDoesNotReachItsWorker) {
  constexpr task<int()> garbled{"t.garbled"};
  auto on = testing::memory_app(config{}.worker_send_task_events(true));
  auto const spec = pack(value{value::map{}});
  lovage_task_entry const entry{sizeof entry, "t.garbled", spec.data(), spec.size(), &run_garbled, nullptr, nullptr};
  auto const* registry = on.tasks().internals().begin("this test");
  registry->add(registry->self, &entry);
  ASSERT_EQ(on.tasks().internals().finish(), "");
  testing::background_worker worker{on};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(on.task(garbled).delay().get(20s), 5);
}

TEST(FakeClock, DelayedTasksAndRetriesFollowIt) {
  testing::fake_clock clock;
  auto on = testing::memory_app();
  on.tasks().define(add, [](int x, int y) { return x + y; });
  testing::background_worker worker{on};
  auto const later = on.send(add.s(2, 3).countdown(1h));
  EXPECT_FALSE(later.try_get(20ms));
  clock.advance(1h);
  EXPECT_EQ(later.get(10s), 5);
}

}  // namespace
}  // namespace lovage
