// Tasks that are sent more than once and run once all the same.
#include <lovage/app.hpp>
#include <lovage/worker.hpp>

#include "app/app_state.hpp"
#include "core/log.hpp"
#include "wire/once.hpp"

#include "broker_place.hpp"
#include "eventually.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

namespace lovage {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr task<void(std::string)> note_run{"t.note_run", {"what"}};

/// Workers in this process that write down what they ran.
class once_crew {
 public:
  once_crew(std::string const& broker, std::string const& results)
      : on{config{}.broker_url(broker).result_backend(results)} {
    log::set_sink([this](log::level, std::string_view text, auto) { say(text); }, log::level::warning);
    on.tasks().define(note_run, [this](std::string const& what) {
      std::lock_guard const lock{mutex_};
      ran_.push_back(what);
      changed_.notify_all();
    });
  }
  ~once_crew() {
    stop();
    log::set_sink({}, log::level::info);
  }
  void run(std::string const& name) {
    worker_options with;
    with.pool(pool_kind::threads).concurrency(2).handle_signals(false).hostname(name + "@%h");
    workers_.push_back(std::make_unique<worker>(on, std::move(with)));
    threads_.emplace_back([w = workers_.back().get()] { w->run(); });
    ASSERT_TRUE(workers_.back()->wait_ready(20s));
  }
  /// What they have taken is done and settled then.
  void stop() {
    for (auto& w : workers_) w->stop();
    for (auto& t : threads_) t.join();
    threads_.clear(), workers_.clear();
  }
  void send(std::string const& id, std::string const& text, std::string what) {
    on.send(note_run.s(std::move(what)).id(task_id{id}).header(std::string{wire::once_header}, text));
  }
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock{mutex_};
    EXPECT_TRUE(changed_.wait_for(lock, 20s, [&] { return ran_.size() >= count; })) << ran_.size() << " ran";
    return ran_;
  }
  std::vector<std::string> ran() { return wait_for(0); }
  bool hears(std::string const& part) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, 20s, [&] { return said_.find(part) != said_.npos; });
  }
  /// Nothing waits, and nothing is held by a worker where the broker can tell.
  [[nodiscard]] bool queue_is_empty() {
    auto const look = on.state()->transport(5s).value()->make_inspector(5s).value();
    return testing::eventually([&] {
      std::uint64_t left = 0;
      for (auto const& q : look->queues().value()) left += q.ready + q.delayed + q.claimed;
      return left == 0;
    });
  }

  app on;

 private:
  void say(std::string_view text) {
    std::lock_guard const lock{mutex_};
    said_ += text;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> ran_;
  std::string said_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<std::thread> threads_;
};

class RunOnce : public ::testing::TestWithParam<char const*> {
 protected:
  testing::broker_place place{GetParam()};
  once_crew crew{place.broker_url(), place.result_backend()};
};

TEST_P(RunOnce, two_sendings_to_two_workers_at_the_same_time_are_one_run) {
  crew.run("first");
  crew.run("second");
  constexpr std::size_t tasks = 40;
  for (auto const* sending : {"a", "b"})
    for (std::size_t i = 0; i < tasks; ++i) crew.send("t" + std::to_string(i), sending, std::to_string(i));
  EXPECT_EQ(crew.wait_for(tasks).size(), tasks);
  EXPECT_TRUE(crew.queue_is_empty());
  crew.stop();
  auto const ran = crew.ran();
  EXPECT_EQ(ran.size(), tasks);
  EXPECT_EQ(std::set(ran.begin(), ran.end()).size(), tasks);
}

// A worker claims a task's run and dies: the same message runs on the next one, and no other sending of it.
TEST_P(RunOnce, the_message_that_has_the_run_comes_back_and_is_run) {
  std::vector const claimed{backend::run_claim{task_id{"t"}, "of the dead worker's message"}};
  ASSERT_THAT(crew.on.state()->backend(5s).value()->claim_runs(claimed, 1h, 5s).value(), ElementsAre(true));
  crew.send("t", "of another sending", "wrong");
  crew.send("t", "of the dead worker's message", "right");
  crew.run("next");
  EXPECT_THAT(crew.wait_for(1), ElementsAre("right"));
  EXPECT_TRUE(crew.queue_is_empty());
  crew.stop();
  EXPECT_THAT(crew.ran(), ElementsAre("right"));
}

INSTANTIATE_TEST_SUITE_P(Brokers, RunOnce, ::testing::ValuesIn(testing::every_broker),
                         [](auto const& of) { return std::string{of.param}; });

TEST(RunOnceWithoutBackend, a_message_waits_until_it_can_be_claimed) {
  testing::broker_place const place{"memory"};
  testing::redis_server results;
  once_crew crew{place.broker_url(), results.url()};
  crew.run("only");
  results.kill();
  crew.send("t", "a", "late");
  EXPECT_TRUE(crew.hears("cannot claim tasks that run once"));
  EXPECT_THAT(crew.ran(), IsEmpty());
  results.start();
  EXPECT_THAT(crew.wait_for(1), ElementsAre("late"));
}

TEST(RunOnceWithoutBackend, a_message_that_waits_goes_back_when_its_worker_ends) {
  testing::broker_place const place{"sqlite"};
  testing::redis_server results;
  once_crew crew{place.broker_url(), results.url()};
  crew.run("only");
  results.kill();
  crew.send("t", "a", "late");
  EXPECT_TRUE(crew.hears("cannot claim tasks that run once"));
  crew.stop();
  results.start();
  crew.run("next");
  EXPECT_THAT(crew.wait_for(1), ElementsAre("late"));
}

TEST(RunOnceWithoutBackend, a_worker_knows_what_it_ran_itself_where_nobody_keeps_claims) {
  testing::broker_place const place{"memory"};
  once_crew crew{place.broker_url(), "rpc://"};
  crew.run("only");
  for (auto const* sending : {"a", "b"}) crew.send("t", sending, sending);
  EXPECT_TRUE(crew.hears("keeps no claims"));
  EXPECT_THAT(crew.wait_for(1), ElementsAre("a"));
  EXPECT_TRUE(crew.queue_is_empty());
  crew.stop();
  EXPECT_THAT(crew.ran(), ElementsAre("a"));
}

}  // namespace
}  // namespace lovage
