// Queues, rules and exchanges from the sender to the worker. On brokers without exchanges, where the app stands in.
#include <lovage/testing.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>

namespace lovage {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr task<std::string(std::string)> where{"t.where", {"text"}};
constexpr task<std::string(std::string)> other{"mail.where", {"text"}};

/// What ran, in that order: queues, or names.
class log_of_runs {
 public:
  void add(std::string queue) {
    std::lock_guard const lock{mutex_};
    seen_.push_back(std::move(queue));
    changed_.notify_all();
  }
  std::vector<std::string> first(std::size_t n) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, 20s, [&] { return seen_.size() >= n; });
    return seen_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> seen_;
};

config news() {
  return config{}.task_queues({"celery", "mail",
                               task_queue{"news"}.exchange("media").exchange_type("topic").routing_key("news.#"),
                               task_queue{"sport"}.exchange("media").exchange_type("topic").routing_key("*.sport")});
}

class Routing : public ::testing::TestWithParam<char const*> {
 protected:
  app make(config settings) {
    auto out = GetParam() == std::string_view{"memory"} ? testing::memory_app(std::move(settings)) : on_file(settings);
    for (auto const& t : {where, other})
      out.tasks().define(t, [this](context& self, std::string const&) {
        names.add(self.name());
        ran.add(self.queue());
        return self.queue();
      });
    return out;
  }
  app on_file(config settings) {
    std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::replace(name.begin(), name.end(), '/', '-');
    scratch.directory =
        std::filesystem::path{::testing::TempDir()} / ("lovage-" + std::to_string(::getpid()) + "-" + name);
    std::filesystem::create_directories(scratch.directory);
    auto const url = "sqlite:///" + (scratch.directory / "store.db").string();
    return app{settings.broker_url(url).result_backend(url)};
  }
  struct scratch_directory {
    ~scratch_directory() {
      if (!directory.empty()) std::filesystem::remove_all(directory);
    }
    std::filesystem::path directory;
  } scratch;
  log_of_runs ran, names;
};

TEST_P(Routing, AWorkerTakesFromEveryListedQueue) {
  auto on = make(news());
  testing::background_worker const worker{on};
  EXPECT_EQ(on.task(where).delay("x").get(10s), "celery");
  EXPECT_EQ(on.send(where.s("x").queue("mail")).get(10s), "mail");
  EXPECT_EQ(on.send(where.s("x").queue("news")).get(10s), "news");
}

TEST_P(Routing, RulesAndRoutersChooseAndTheCallHasTheLastWord) {
  auto on = make(news().task_routes({{"/mail\\./", "mail"}}));
  on.route_with([](std::string_view, value::list const& args, value::map const&) -> std::optional<route_options> {
    if (!args.empty() && args[0] == value{"goal"}) return route_options{}.exchange("media").routing_key("x.sport");
    return std::nullopt;
  });
  testing::background_worker const worker{on};
  EXPECT_EQ(on.task(other).delay("x").get(10s), "mail");
  EXPECT_EQ(on.task(where).delay("x").get(10s), "celery");
  EXPECT_EQ(on.task(other).delay("goal").get(10s), "sport");
  EXPECT_EQ(on.send(other.s("goal").queue("celery")).get(10s), "celery");
  EXPECT_EQ(on.send_named("t.where", {"goal"}).get(10s), value{"sport"});
}

TEST_P(Routing, AnExchangeReachesEveryQueueThatIsBoundToIt) {
  auto on = make(news());
  on.send(where.s("x").exchange("media").routing_key("news.sport"));
  on.send(where.s("x").queue("news").routing_key("news.weather"));
  testing::background_worker const worker{on};
  EXPECT_THAT(ran.first(3), UnorderedElementsAre("news", "sport", "news"));
}

TEST_P(Routing, AMessageThatNothingTakesIsAnErrorAtTheSender) {
  auto on = make(news());
  auto const sent = on.try_send(where.s("x").exchange("media").routing_key("weather"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, errc::unavailable);
  EXPECT_THAT(sent.error().text(), HasSubstr("no queue is bound to exchange 'media' with routing key 'weather'"));
}

TEST_P(Routing, ManyCallsGoToTheirExchangesInOneBatch) {
  auto on = make(news());
  std::vector<signature<std::string()>> calls;
  for (int i = 0; i < 20; ++i) calls.push_back(where.s("x").exchange("media").routing_key("news.sport"));
  EXPECT_EQ(on.send_many(calls).size(), 20U);
  testing::background_worker const worker{on, 2};
  auto const seen = ran.first(40);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), "news"), 20);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), "sport"), 20);
}

TEST_P(Routing, ARulesPriorityOrdersWhatWaits) {
  auto on = make(config{}.task_routes({{"mail.*", route_options{}.priority(9)}}));
  on.task(where).delay("x");
  on.task(other).delay("x");
  testing::background_worker const worker{on};
  EXPECT_THAT(names.first(2), ElementsAre("mail.where", "t.where"));
}

TEST_P(Routing, UnlistedQueuesAreMadeOrRefused) {
  auto open = make(news());
  {
    worker taking{open, worker_options{}.pool(pool_kind::threads).queues({"made"}).handle_signals(false)};
    std::thread running{[&] { taking.run(); }};
    EXPECT_EQ(open.send(where.s("x").queue("made")).get(10s), "made");
    taking.stop();
    running.join();
  }
  auto closed = make(news().task_create_missing_queues(false));
  auto const sent = closed.try_send(where.s("x").queue("nwes"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, errc::bad_config);
  EXPECT_THAT(sent.error().text(), HasSubstr("'nwes' is not in task_queues (celery, mail, news, sport)"));
  EXPECT_THROW((worker{closed, worker_options{}.queues({"nwes"})}), error);
}

TEST_P(Routing, ABroadcastIsRefusedWhereItCannotReachEveryWorker) {
  auto on = make(config{}.task_queues({"celery", task_queue{"all"}.broadcast()}));
  auto const sent = on.try_send(where.s("x").queue("all"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, errc::not_supported);
  worker taking{on, worker_options{}.pool(pool_kind::solo).handle_signals(false)};
  EXPECT_THROW(taking.run(), error);
}

TEST_P(Routing, OptionsThatContradictEachOtherAreRefused) {
  auto on = make(config{});
  EXPECT_THROW(on.send(where.s("x").queue("a").exchange("b")), error);
  EXPECT_THROW(on.send(where.s("x").exchange("")), error);
}

INSTANTIATE_TEST_SUITE_P(Stores, Routing, ::testing::Values("memory", "sqlite"),
                         [](auto const& on) { return std::string{on.param}; });

TEST(ReadAndWriteUrls, MaySendToAnotherBrokerThanIsTakenFrom) {
  auto sender = app{config{}.broker_url("memory://near").broker_write_url("memory://far").result_backend("memory://r")};
  auto taker = app{config{}.broker_url("memory://far").result_backend("memory://r")};
  taker.tasks().define(where, [](std::string const& text) { return text; });
  auto const sent = sender.task(where).delay("over there");
  testing::background_worker const worker{taker};
  EXPECT_EQ(sent.get(10s), "over there");
}

}  // namespace
}  // namespace lovage
