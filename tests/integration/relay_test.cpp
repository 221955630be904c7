// From an outbox to each broker.
#include <lovage/relay.hpp>
#include <lovage/worker.hpp>

#include "app/app_state.hpp"
#include "core/log.hpp"

#include "broker_place.hpp"
#include "eventually.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace lovage {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr task<void(std::string)> deliver{"t.deliver", {"what"}};

class Relay : public ::testing::TestWithParam<char const*> {
 protected:
  Relay() { log::set_sink({}, log::level::critical); }
  ~Relay() override {
    stop_relay();
    if (by) by->stop();
    if (working.joinable()) working.join();
    log::set_sink({}, log::level::info);
  }
  config target_settings() { return config{}.broker_url(place.broker_url()).result_backend(place.result_backend()); }
  void open_target(config with) {
    target.emplace(std::move(with));
    target->tasks().define(deliver, [this](context& self, std::string const& what) {
      auto const tenant = self.header("tenant");
      std::lock_guard const lock{mutex};
      came.push_back(what + (tenant.is_null() ? "" : "/" + *tenant.get_if<std::string>()));
      changed.notify_all();
    });
  }
  void run_relay(relay_options with) {
    if (!target) open_target(target_settings());
    forwarding.emplace(*target, std::move(with.from(outbox.url()).handle_signals(false)));
    relaying = std::thread{[this] { code = forwarding->run(); }};
    ASSERT_TRUE(forwarding->wait_ready(20s));
  }
  void stop_relay() {
    if (forwarding) forwarding->stop();
    if (relaying.joinable()) relaying.join();
    forwarding.reset();
  }
  void run_worker(std::vector<std::string> queues) {
    worker_options with;
    with.pool(pool_kind::threads).concurrency(1).handle_signals(false).queues(std::move(queues));
    by.emplace(*target, std::move(with));
    working = std::thread{[this] { by->run(); }};
    ASSERT_TRUE(by->wait_ready(20s));
  }
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock{mutex};
    EXPECT_TRUE(changed.wait_for(lock, 20s, [&] { return came.size() >= count; })) << came.size() << " came";
    return came;
  }
  broker::queue_info left_in_outbox() {
    auto const look = source.state()->transport(5s).value()->make_inspector(5s).value();
    broker::queue_info all;
    for (auto const& q : look->queues().value())
      all.ready += q.ready, all.delayed += q.delayed, all.claimed += q.claimed, all.dead += q.dead;
    return all;
  }
  bool outbox_is_empty() {
    return testing::eventually([this] {
      auto const left = left_in_outbox();
      return left.ready + left.delayed + left.claimed == 0;
    });
  }

  testing::broker_place place{GetParam()};
  testing::store_place outbox;
  app source{config{}.broker_url(outbox.url())};
  std::optional<app> target;
  std::optional<relay> forwarding;
  std::optional<worker> by;
  std::thread relaying, working;
  int code = -1;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> came;
};

TEST_P(Relay, brings_tasks_in_their_order_with_their_headers) {
  std::vector<signature<void()>> calls;
  std::vector<std::string> wanted;
  for (int i = 0; i < 300; ++i) {
    calls.push_back(deliver.s(std::to_string(i)).queue("orders").header("tenant", "blue"));
    wanted.push_back(std::to_string(i) + "/blue");
  }
  (void)source.send_many(calls);
  run_relay(relay_options{}.batch(70));
  run_worker({"orders"});
  EXPECT_EQ(wait_for(300), wanted);
  EXPECT_TRUE(outbox_is_empty());
  EXPECT_TRUE(testing::eventually([this] { return forwarding->forwarded() == 300; }));
  stop_relay();
  EXPECT_EQ(code, 0);
}

TEST_P(Relay, forwards_queues_that_come_later_and_tasks_when_their_time_has_come) {
  run_relay({});
  run_worker({"later", "celery"});
  auto const begin = std::chrono::steady_clock::now();
  source.send(deliver.s("new").queue("later"));
  source.send(deliver.s("due").countdown(1s));
  EXPECT_THAT(wait_for(2), ::testing::UnorderedElementsAre("new", "due"));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 900ms);
}

TEST_P(Relay, forwards_the_queues_it_was_told_and_no_others) {
  source.send(deliver.s("other").queue("other"));
  source.send(deliver.s("mine").queue("mine"));
  run_relay(relay_options{}.queues({"mine"}));
  run_worker({"mine", "other"});
  EXPECT_THAT(wait_for(1), ElementsAre("mine"));
  EXPECT_TRUE(testing::eventually([this] { return forwarding->forwarded() == 1; }));
  EXPECT_EQ(left_in_outbox().ready, 1U);
}

TEST_P(Relay, shares_an_outbox_with_others) {
  std::vector<signature<void()>> calls;
  for (int i = 0; i < 500; ++i) calls.push_back(deliver.s(std::to_string(i)));
  (void)source.send_many(calls);
  run_relay(relay_options{}.batch(20));
  relay second{*target, relay_options{}.from(outbox.url()).batch(20).handle_signals(false)};
  std::thread beside{[&] { second.run(); }};
  run_worker({"celery"});
  auto all = wait_for(500);
  EXPECT_TRUE(outbox_is_empty());
  second.stop();
  beside.join();
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()) - all.begin(), 500);
}

TEST_P(Relay, answers_probes) {
  run_relay(relay_options{}.health_port(0));
  EXPECT_TRUE(forwarding->health_url().starts_with("http://127.0.0.1:"));
}

INSTANTIATE_TEST_SUITE_P(Brokers, Relay, ::testing::Values("sqlite", "redis", "rabbitmq"),
                         [](auto const& of) { return std::string{of.param}; });

using RelayToRabbitMQ = Relay;

// Where no queue of that name may be made.
TEST_P(RelayToRabbitMQ, buries_in_the_source_what_the_target_refuses_for_good_and_brings_the_others) {
  source.send(deliver.s("refused").queue("unknown"));
  source.send(deliver.s("good").queue("celery"));
  open_target(target_settings().task_queues({"celery"}).task_create_missing_queues(false));
  run_relay({});
  run_worker({"celery"});
  EXPECT_THAT(wait_for(1), ElementsAre("good"));
  EXPECT_TRUE(testing::eventually([this] { return left_in_outbox().dead == 1; }));
  EXPECT_TRUE(outbox_is_empty());
}
INSTANTIATE_TEST_SUITE_P(Brokers, RelayToRabbitMQ, ::testing::Values("rabbitmq"));

TEST(RelayWhileItsTargetIsAway, waits_and_goes_on) {
  testing::redis_server server;
  testing::store_place const outbox;
  std::mutex mutex;
  std::condition_variable changed;
  std::string said;
  log::set_sink(
      [&](log::level, std::string_view text, auto) {
        std::lock_guard const lock{mutex};
        said += text;
        changed.notify_all();
      },
      log::level::warning);
  app source{config{}.broker_url(outbox.url())}, target{config{}.broker_url(server.url())};
  relay forwarding{target, relay_options{}.from(outbox.url()).handle_signals(false)};
  std::thread relaying{[&] { forwarding.run(); }};
  ASSERT_TRUE(forwarding.wait_ready(20s));
  server.kill();
  for (int i = 0; i < 10; ++i) source.task(deliver).delay(std::to_string(i));
  {
    std::unique_lock lock{mutex};
    EXPECT_TRUE(changed.wait_for(lock, 20s, [&] { return said.find("cannot forward") != said.npos; }));
  }
  EXPECT_EQ(forwarding.forwarded(), 0U);
  server.start();
  EXPECT_TRUE(testing::eventually([&] { return forwarding.forwarded() == 10; }));
  forwarding.stop();
  relaying.join();
  log::set_sink({}, log::level::info);
}

TEST(RelaySettings, that_cannot_be_are_refused_with_the_reason) {
  app on{config{}.broker_url("redis://localhost/0")};
  auto const refusal = [&](std::string const& from) {
    try {
      relay{on, relay_options{}.from(from)};
    } catch (error const& e) {
      return std::string{e.what()};
    }
    return std::string{};
  };
  EXPECT_THAT(refusal(""), ::testing::HasSubstr("needs a source"));
  EXPECT_THAT(refusal("redis://localhost/0"), ::testing::HasSubstr("to the broker it takes from"));
}

}  // namespace
}  // namespace lovage
