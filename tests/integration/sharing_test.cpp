// Two workers on one queue: what the busy one has no slot for is the free one's.
#include <lovage/app.hpp>
#include <lovage/worker.hpp>

#include "broker_place.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace lovage {
namespace {

using namespace std::chrono_literals;

constexpr task<void()> gate{"t.gate"};
constexpr task<void()> quick{"t.quick"};

class Sharing : public ::testing::TestWithParam<char const*> {
 protected:
  Sharing() : Sharing{false} {}
  explicit Sharing(bool disabled)
      : on{config{}
               .broker_url(place.broker_url())
               .result_backend(place.result_backend())
               .worker_disable_prefetch(disabled)} {
    on.tasks().define(gate, [this] {
      std::unique_lock lock{mutex};
      ++at_gate;
      changed.notify_all();
      changed.wait_for(lock, 30s, [this] { return open; });
    });
    on.tasks().define(quick, [this] {
      std::lock_guard const lock{mutex};
      ++done;
      changed.notify_all();
    });
  }
  ~Sharing() override {
    {
      std::lock_guard const lock{mutex};
      open = true;
      changed.notify_all();
    }
    for (auto& w : workers) w->stop();
    for (auto& t : threads) t.join();
  }
  void run(std::string name, int multiplier) {
    worker_options with;
    with.pool(pool_kind::threads).concurrency(1).handle_signals(false).hostname(name + "@%h").banner(false);
    with.queues({"one", "two", "three"}).prefetch_multiplier(multiplier);
    workers.push_back(std::make_unique<worker>(on, std::move(with)));
    threads.emplace_back([w = workers.back().get()] { w->run(); });
    ASSERT_TRUE(workers.back()->wait_ready(20s));
  }
  bool wait_for(int const& count, int wanted) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, 20s, [&] { return count >= wanted; });
  }
  void send_to_all(int each) {
    for (auto const* queue : {"one", "two", "three"})
      for (int i = 0; i < each; ++i) on.send(quick.s().queue(queue));
  }
  /// One worker is at the gate, the other runs all that comes.
  void keep_one_busy(int multiplier) {
    run("first", multiplier);
    on.send(gate.s().queue("one"));
    ASSERT_TRUE(wait_for(at_gate, 1));
    run("second", multiplier);
    send_to_all(5);
    EXPECT_TRUE(wait_for(done, 15)) << done << " of 15, while one worker is busy and the other has nothing to do";
  }

  testing::broker_place place{GetParam()};
  std::mutex mutex;
  std::condition_variable changed;
  int at_gate = 0, done = 0;
  bool open = false;
  app on;
  std::vector<std::unique_ptr<worker>> workers;
  std::vector<std::thread> threads;
};

class SharingWithoutPrefetch : public Sharing {
 protected:
  SharingWithoutPrefetch() : Sharing{true} {}
};

TEST_P(Sharing, a_busy_worker_reserves_nothing_where_prefetch_is_learnt) {
  keep_one_busy(worker_options::prefetch_auto);
}

TEST_P(Sharing, a_worker_that_learnt_short_tasks_gives_back_what_a_long_one_holds_up) {
  run("first", worker_options::prefetch_auto);
  send_to_all(50);
  ASSERT_TRUE(wait_for(done, 150));
  on.send(gate.s().queue("one"));
  ASSERT_TRUE(wait_for(at_gate, 1));
  send_to_all(5);
  run("second", worker_options::prefetch_auto);
  EXPECT_TRUE(wait_for(done, 165)) << done << " of 165";
}

TEST_P(SharingWithoutPrefetch, a_busy_worker_reserves_nothing) { keep_one_busy(4); }

INSTANTIATE_TEST_SUITE_P(Brokers, Sharing, ::testing::Values("sqlite", "redis", "rabbitmq"),
                         [](auto const& of) { return std::string{of.param}; });
INSTANTIATE_TEST_SUITE_P(Brokers, SharingWithoutPrefetch, ::testing::Values("sqlite", "redis", "rabbitmq"),
                         [](auto const& of) { return std::string{of.param}; });

}  // namespace
}  // namespace lovage
