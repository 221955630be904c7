#include "pool/watchdog.hpp"

#include "pool/event_log.hpp"
#include "pool/loop_watch.hpp"
#include "pool/stack_dump.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <iterator>
#include <regex>
#include <thread>

namespace lovage::pool {
namespace {

using namespace std::chrono_literals;
using moment = std::chrono::steady_clock::time_point;

constexpr moment start{1000s};

std::vector<std::uint64_t> jobs_of(std::vector<sighting> const& all) {
  std::vector<std::uint64_t> out;
  for (auto const& s : all) out.push_back(s.job);
  return out;
}

using ids = std::vector<std::uint64_t>;

TEST(overdue, names_what_runs_for_too_long_once) {
  overdue late{10s};
  std::vector<sighting> const running{{1, 11, start}, {2, 12, start + 5s}};
  EXPECT_EQ(jobs_of(late.step(running, start + 9s)), ids{});
  EXPECT_EQ(jobs_of(late.step(running, start + 10s)), ids{1});
  EXPECT_EQ(jobs_of(late.step(running, start + 15s)), ids{2});
  EXPECT_EQ(jobs_of(late.step(running, start + 60s)), ids{});
}

TEST(overdue, names_the_next_one_in_the_same_thread_again) {
  overdue late{10s};
  EXPECT_EQ(jobs_of(late.step({{1, 11, start}}, start + 10s)), ids{1});
  EXPECT_EQ(jobs_of(late.step({{2, 11, start + 11s}}, start + 12s)), ids{});
  EXPECT_EQ(jobs_of(late.step({{2, 11, start + 11s}}, start + 21s)), ids{2});
  EXPECT_EQ(jobs_of(late.step({}, start + 22s)), ids{});
}

/// Whole ones, one after the other. A thread sanitizer holds signals back while a thread spins.
void expect_stacks(std::string const& text, long count) {
#ifndef __SANITIZE_THREAD__
  std::regex const whole{R"(lovage: stack of thread \d+ in process \d+ of .+\n(.*\[0x.+\n)+lovage: end of stack)"};
  EXPECT_EQ(std::distance(std::sregex_iterator{text.begin(), text.end(), whole}, std::sregex_iterator{}), count)
      << text;
#else
  (void)text, (void)count;
#endif
}

/// Threads that spin in a job until they are told to stop, each job once told of.
class WatchedThreads : public testing::Test {
 protected:
  void begin(std::unique_ptr<pool> made, std::chrono::milliseconds limit) {
    p = std::move(made);
    options with;
    with.concurrency = 2;
    with.on_events = log.sink();
    with.watchdog = limit;
    with.run = [](std::string_view payload, job_channel& channel) {
      if (payload == "spin") channel.send("here");
      while (payload == "spin" && !channel.stop_requested()) std::this_thread::yield();
      return std::string{};
    };
    p->start(std::move(with)).value();
  }
  void submit(std::uint64_t id, std::string payload) {
    std::vector<job> one;
    one.push_back(make_job(id, std::move(payload)));
    p->submit(std::move(one));
  }
  event_log log;
  std::unique_ptr<pool> p;
};

TEST_F(WatchedThreads, TellOfAJobThatRunsTooLongAndWriteItsStack) {
  testing::internal::CaptureStderr();
  begin(make_threads(), 50ms);
  submit(1, "short");
  submit(2, "spin");
  EXPECT_TRUE(log.wait_for(event_kind::overdue));
  auto const e = log.nth(event_kind::overdue);
  p->request_stop(0);
  EXPECT_TRUE(p->stop(60s));
  auto const text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(e.id, 2U);
  EXPECT_EQ(e.pid, ::getpid());
  EXPECT_GE(e.runtime, 50ms);
  EXPECT_EQ(log.count(event_kind::overdue), 1U);
  expect_stacks(text, 1);
}

TEST_F(WatchedThreads, AreLeftAloneWithoutALimit) {
  begin(make_solo(), 0ms);
  submit(1, "spin");
  ASSERT_TRUE(log.wait_for(event_kind::started));
  p->request_stop(0);
  EXPECT_TRUE(p->stop(60s));
  EXPECT_EQ(log.count(event_kind::overdue), 0U);
}

TEST_F(WatchedThreads, WriteTheirStacksWhenAsked) {
  testing::internal::CaptureStderr();
  begin(make_threads(), 0ms);
  submit(1, "spin");
  submit(2, "spin");
  EXPECT_TRUE(log.wait_for(event_kind::message, 2));
  p->dump_stacks();
  p->request_stop(0);
  EXPECT_TRUE(p->stop(60s));
  auto const text = testing::internal::GetCapturedStderr();
  expect_stacks(text, 2);
}

/// A loop that turns when told.
struct hand_turned {
  std::mutex m;
  std::vector<std::pair<void (*)(void*), void*>> posted;

  driver as_driver() {
    return {[](void* self, void (*run)(void*), void* with) {
              auto& me = *static_cast<hand_turned*>(self);
              std::lock_guard const lock{me.m};
              me.posted.emplace_back(run, with);
              return 1;
            },
            this};
  }
  std::size_t turn() {
    std::lock_guard const lock{m};
    for (auto const& [run, with] : posted) run(with);
    return std::exchange(posted, {}).size();
  }
};

TEST(loop_watch, sees_a_loop_that_owes_an_answer) {
  hand_turned a, b;
  loop_watch loops;
  loops.add(a.as_driver());
  loops.add(a.as_driver());
  EXPECT_EQ(loops.look().size(), 1U) << "the question that asks for its thread";
  EXPECT_EQ(loops.all().size(), 0U);
  EXPECT_EQ(a.turn(), 1U);
  EXPECT_EQ(loops.all().at(0).thread, ::gettid());
  EXPECT_EQ(loops.look().size(), 0U);
  loops.add(b.as_driver());
  EXPECT_EQ(b.turn(), 1U);
  auto const owing = loops.look();
  ASSERT_EQ(owing.size(), 1U) << "asked before, and b just now";
  EXPECT_EQ(owing[0].thread, ::gettid());
  EXPECT_EQ(loops.look().at(0).since, owing[0].since);
  EXPECT_EQ(a.turn(), 1U);
  EXPECT_EQ(b.turn(), 1U);
  EXPECT_EQ(loops.look().size(), 0U);
  EXPECT_EQ(a.turn() + b.turn(), 2U);
}

TEST(loop_watch, a_loop_may_answer_when_nobody_asks_any_more) {
  hand_turned a;
  std::make_unique<loop_watch>()->add(a.as_driver());
  EXPECT_EQ(a.turn(), 1U);
}

/// The coroutine pool; `blocks` holds the opener up.
class WatchedCoroutines : public testing::Test {
 protected:
  WatchedCoroutines() {
    options with;
    with.concurrency = 10;
    with.on_events = log.sink();
    with.watchdog = 40ms;
    with.open = [this](std::string const& payload, std::shared_ptr<open_job> job) {
      if (payload == "blocks") {
        go_on.wait(false);
        return job->finish({});
      }
      job->driven_by(loop.as_driver());
      std::lock_guard const lock{loop.m};
      open.push_back(std::move(job));
    };
    p->start(std::move(with)).value();
  }
  ~WatchedCoroutines() override {
    p->kill();
    loop.turn();
  }
  void submit(std::uint64_t id, std::string payload) {
    std::vector<job> one;
    one.push_back(make_job(id, std::move(payload)));
    p->submit(std::move(one));
  }
  hand_turned loop;
  std::atomic<bool> go_on{false};
  std::vector<std::shared_ptr<open_job>> open;
  event_log log;
  std::unique_ptr<pool> p = make_coroutines();
};

TEST_F(WatchedCoroutines, TellOfALoopThatDoesNotTurn) {
  submit(7, "waits");
  ASSERT_TRUE(log.wait_for(event_kind::overdue));
  EXPECT_EQ(log.nth(event_kind::overdue).id, 7U) << "the only one";
  EXPECT_GE(log.nth(event_kind::overdue).runtime, 40ms);
}

TEST_F(WatchedCoroutines, TellOfAPlainTaskThatHoldsUpTheOthers) {
  submit(3, "blocks");
  ASSERT_TRUE(log.wait_for(event_kind::overdue));
  EXPECT_EQ(log.nth(event_kind::overdue).id, 3U);
  go_on = true;
  go_on.notify_all();
  EXPECT_TRUE(log.wait_for(event_kind::finished));
}

}  // namespace
}  // namespace lovage::pool
