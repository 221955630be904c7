// What a worker takes, when, and in which order: rates, revocations, pauses and the importance of queues, in one
// process.
#include <lovage/app.hpp>
#include <lovage/testing.hpp>
#include <lovage/worker.hpp>

#include "app/app_state.hpp"

#include "broker_place.hpp"
#include "eventually.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace lovage {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr task<void(std::string)> note{"t.note", {"what"}};
constexpr task<void(std::string)> slow{"t.slow", {"what"}};  // 20 in a second
constexpr task<void(std::string)> rare{"t.rare", {"what"}};  // one in a minute
constexpr task<void()> gate{"t.gate"};
constexpr task<void()> twice{"t.twice"};  // runs again when it has passed the gate

class Intake : public ::testing::TestWithParam<char const*> {
 protected:
  Intake()
      : on{config{}
               .broker_url(place.broker_url())
               .result_backend(place.result_backend())
               .worker_max_reserved_bytes(65'536)} {
    on.tasks().define(note, [this](std::string const& what) { add(what); });
    on.tasks().define(
        slow, [this](std::string const& what) { add(what); }, limits{}.rate_limit("20/s"));
    on.tasks().define(
        rare, [this](std::string const& what) { add(what); }, limits{}.rate_limit("1/m"));
    on.tasks().define(gate, [this] { pass_gate(); });
    on.tasks().define(twice, [this](context& self) {
      pass_gate();
      if (self.retries() == 0) throw self.retry(0s);
      add("a second time");
    });
  }
  ~Intake() override {
    open_gate();
    stop();
  }
  void run(worker_options options) {
    options.pool(pool_kind::threads).handle_signals(false);
    by.emplace(on, std::move(options));
    thread = std::thread{[this] { by->run(); }};
    ASSERT_TRUE(by->wait_ready(10s));
  }
  void stop() {
    if (by) by->stop();
    if (thread.joinable()) thread.join();
    by.reset();
  }
  void add(std::string const& what) {
    std::lock_guard const lock{mutex};
    noted.push_back(what);
    changed.notify_all();
  }
  [[nodiscard]] std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock{mutex};
    EXPECT_TRUE(changed.wait_for(lock, 20s, [&] { return noted.size() >= count; })) << noted.size() << " came";
    return noted;
  }
  void pass_gate() {
    std::unique_lock lock{mutex};
    ++at_gate;
    changed.notify_all();
    changed.wait_for(lock, 20s, [this] { return open; });
  }
  void wait_at_gate(int count) {
    std::unique_lock lock{mutex};
    EXPECT_TRUE(changed.wait_for(lock, 20s, [&] { return at_gate >= count; }));
  }
  void open_gate() {
    std::lock_guard const lock{mutex};
    open = true;
    changed.notify_all();
  }
  std::unique_ptr<broker::inspector> inspect() { return on.state()->transport(5s).value()->make_inspector(5s).value(); }
  broker::traits abilities() { return on.state()->transport(5s).value()->abilities(); }
  /// Messages that wait in this queue, or in all.
  [[nodiscard]] std::uint64_t ready(std::string_view queue = {}) {
    std::uint64_t out = 0;
    for (auto const& q : inspect()->queues().value())
      if (queue.empty() || q.name.str() == queue) out += q.ready;
    return out;
  }
  testing::broker_place place{GetParam()};
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> noted;
  int at_gate = 0;
  bool open = false;
  app on;
  std::optional<worker> by;
  std::thread thread;
};

TEST_P(Intake, a_rate_limit_holds_its_own_task_back_and_no_other) {
  for (int i = 0; i < 5; ++i) on.task(slow).delay("slow");
  for (int i = 0; i < 5; ++i) on.task(note).delay("note");
  auto const begin = std::chrono::steady_clock::now();
  run(worker_options{}.concurrency(1).prefetch_multiplier(2));
  auto const all = wait_for(10);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 190ms) << "four intervals";
  EXPECT_EQ(all[9], "slow");
  EXPECT_GE(std::count(all.begin() + 1, all.begin() + 7, "note"), 4)
      << "the others pass by: " << ::testing::PrintToString(all);
}

TEST_P(Intake, a_rate_limit_holds_no_other_task_back_however_rare_its_own_and_however_little_is_reserved) {
  for (int i = 0; i < 3; ++i) on.task(rare).delay("rare");
  for (int i = 0; i < 3; ++i) on.task(note).delay("note");
  run(worker_options{}.queues({"celery", "other"}).concurrency(1).prefetch_multiplier(1));
  EXPECT_THAT(wait_for(4), ElementsAre("rare", "note", "note", "note"));
}

TEST_P(Intake, what_a_rate_limit_holds_is_bounded_and_the_rest_waits_in_the_broker) {
  std::vector<signature<void()>> calls;
  for (int i = 0; i < 60; ++i) calls.push_back(slow.s("slow"));
  (void)on.send_many(calls);
  run(worker_options{}.concurrency(1).prefetch_multiplier(0));
  EXPECT_TRUE(!abilities().counts_delayed || testing::eventually([&] {
    std::uint64_t delayed = 0;
    for (auto const& q : inspect()->queues().value()) delayed += q.delayed;
    return delayed >= 10;
  }));
  EXPECT_EQ(wait_for(60).size(), 60U);
}

TEST_P(Intake, what_was_revoked_while_no_worker_was_there_is_not_run) {
  auto const dropped = on.task(note).delay("dropped");
  auto const kept = on.task(note).delay("kept");
  dropped.revoke();
  run(worker_options{}.concurrency(1));
  ASSERT_TRUE(kept.wait(10s));
  ASSERT_TRUE(dropped.wait(10s));
  EXPECT_EQ(dropped.state(), "REVOKED");
  EXPECT_EQ(dropped.status().failure()->code, errc::revoked);
  EXPECT_THAT(wait_for(1), ElementsAre("kept"));
}

TEST_P(Intake, what_is_reserved_is_not_run_either_once_it_is_revoked) {
  run(worker_options{}.concurrency(1).prefetch_multiplier(10));
  auto const first = on.task(gate).delay();
  wait_at_gate(1);
  auto const reserved = on.task(note).delay("reserved");
  auto const kept = on.task(note).delay("kept");
  EXPECT_TRUE(testing::eventually([&] { return ready() == 0; })) << "all three are claimed";
  std::vector<task_id> const ids{reserved.id()};
  on.revoke(ids);
  ASSERT_TRUE(reserved.wait(10s)) << "though every slot is busy";
  EXPECT_EQ(reserved.state(), "REVOKED");
  open_gate();
  ASSERT_TRUE(kept.wait(10s));
  EXPECT_THAT(wait_for(1), ElementsAre("kept"));
}

TEST_P(Intake, a_worker_that_comes_later_drops_what_has_a_revoked_stamp) {
  auto const dropped = on.send(note.s("dropped").stamp("order", "7"));
  auto const other = on.send(note.s("other").stamp("order", "8"));
  auto const plain = on.send(note.s("plain"));
  on.revoke_by_stamped_headers({{"order", {"6", "7"}}, {"tenant", {"acme"}}});
  auto const later = on.send(note.s("later").stamp("tenant", "zoo").stamp("tenant", "acme"));
  run(worker_options{}.concurrency(1));
  for (auto const* kept : {&other, &plain}) ASSERT_TRUE(kept->wait(10s));
  for (auto const* r : {&dropped, &later}) {
    ASSERT_TRUE(r->wait(10s));
    EXPECT_EQ(r->state(), "REVOKED");
  }
  EXPECT_THAT(wait_for(2), UnorderedElementsAre("other", "plain"));
}

TEST_P(Intake, a_stamp_stays_with_a_task_that_is_retried_and_stands_at_a_link) {
  run(worker_options{}.concurrency(1).prefetch_multiplier(10));
  auto const retried = on.send(twice.s().stamp("order", "7"));
  auto const linking = on.send(note.s("first").link(note.s("second").stamp("order", "7")).link(note.s("third")));
  wait_at_gate(1);
  EXPECT_TRUE(testing::eventually([&] { return ready() == 0; }));
  on.revoke_by_stamped_headers({{"order", {"7"}}});
  open_gate();
  ASSERT_TRUE(linking.wait(10s));
  EXPECT_TRUE(testing::eventually([&] { return retried.state() == "REVOKED"; })) << retried.state();
  EXPECT_THAT(wait_for(2), ElementsAre("first", "third"));
}

TEST_P(Intake, what_a_worker_holds_is_bounded_in_bytes_and_one_larger_than_that_is_run_all_the_same) {
  run(worker_options{}.concurrency(1).prefetch_multiplier(0));
  on.send(gate.s());
  wait_at_gate(1);
  std::vector<signature<void()>> calls(20, note.s(std::string(10'000, '.')));
  calls.push_back(note.s(std::string(200'000, '.')));
  (void)on.send_many(calls);
  bool const sends_ahead = !abilities().counts_claimed;  // then one more may be on its way, beyond the bound
  EXPECT_TRUE(testing::eventually([&] {
    auto const left = ready();
    return left == 14 || (sends_ahead && left == 13);
  })) << "the task that runs, and seven that wait";
  open_gate();
  EXPECT_THAT(wait_for(21), Contains(SizeIs(200'000)));
}

TEST_P(Intake, a_paused_queue_is_left_alone_until_it_is_resumed) {
  ASSERT_TRUE(inspect()->pause(queue_name{"celery"}));
  run(worker_options{}.queues({"celery", "other"}).concurrency(1));
  on.send(note.s("paused"));
  auto const other = on.send(note.s("other").queue("other"));
  ASSERT_TRUE(other.wait(10s));
  ASSERT_TRUE(inspect()->resume(queue_name{"celery"}));
  EXPECT_THAT(wait_for(2), ElementsAre("other", "paused"));
}

TEST_P(Intake, a_queue_that_is_the_only_one_with_work_has_all_slots) {
  run(worker_options{}.concurrency(4).prefetch_multiplier(1).queues({"one", "two", "three"}));
  for (int i = 0; i < 4; ++i) on.send(gate.s().queue("two"));
  wait_at_gate(4);
}

TEST_P(Intake, a_strict_worker_leaves_less_important_work_at_once) {
  // RabbitMQ sends a share of each queue ahead, and again what was given back: there only the order tells.
  bool const sends_ahead = !abilities().counts_claimed;
  int const ahead = sends_ahead ? 8 : 3;
  run(worker_options{}.queues({"high", "low"}).queue_order("strict").concurrency(1).prefetch_multiplier(ahead));
  on.send(gate.s().queue("low"));
  wait_at_gate(1);
  for (int i = 0; i < 5; ++i) on.send(note.s("low").queue("low"));
  for (int i = 0; i < 3; ++i) on.send(note.s("high").queue("high"));
  EXPECT_TRUE(testing::eventually([&] { return sends_ahead ? ready("high") == 0 : ready("low") == 5; }))
      << "what was reserved of low is given back, though every slot is busy";
  open_gate();
  auto const all = wait_for(8);
  EXPECT_EQ(std::count(all.begin(), all.begin() + 3, "high"), 3);
}

TEST_P(Intake, weights_share_a_worker_out) {
  for (int i = 0; i < 20; ++i) on.send(note.s("low").queue("low")), on.send(note.s("high").queue("high"));
  run(worker_options{}.queues({"high:3", "low:1"}).concurrency(1).prefetch_multiplier(8));
  auto const all = wait_for(40);
  auto const high = std::count(all.begin(), all.begin() + 16, "high");
  EXPECT_THAT(high, AnyOf(11, 12, 13));
}

TEST_P(Intake, a_long_task_holds_up_no_other_where_prefetch_is_learnt) {
  auto const options = worker_options{}.concurrency(1).prefetch_multiplier(worker_options::prefetch_auto);
  run(options);
  for (int i = 0; i < 20; ++i) on.send(note.s("short"));
  (void)wait_for(20);
  on.send(gate.s());
  wait_at_gate(1);
  for (int i = 0; i < 10; ++i) on.send(note.s("behind"));
  worker other{on, worker_options{options}.hostname("other@%h").pool(pool_kind::threads).handle_signals(false)};
  std::thread second{[&] { other.run(); }};
  EXPECT_EQ(wait_for(30).size(), 30U) << "while the gate is still shut";
  other.stop();
  second.join();
}

INSTANTIATE_TEST_SUITE_P(Brokers, Intake, ::testing::ValuesIn(testing::every_broker),
                         [](auto const& of) { return std::string{of.param}; });

}  // namespace
}  // namespace lovage
