#include "pool/event_log.hpp"

#include "core/log.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <latch>
#include <set>
#include <stdexcept>
#include <thread>

namespace lovage::pool {
namespace {

using namespace std::chrono_literals;

std::vector<job> one(job j) {
  std::vector<job> jobs;
  jobs.push_back(std::move(j));
  return jobs;
}

/// Spins without sleeping until the job is asked to end.
std::string until_stopped(std::string_view, job_channel& channel) {
  while (!channel.stop_requested()) std::this_thread::yield();
  return "stopped";
}

struct fixture {
  event_log log;
  std::unique_ptr<pool> p;
  explicit fixture(runner run, std::size_t concurrency = 2) : p{make_threads()} {
    p->start({.concurrency = concurrency, .run = std::move(run), .on_events = log.sink()}).value();
  }
};

TEST(thread_pool, gives_back_what_the_runner_returned) {
  fixture f{[](std::string_view payload, job_channel&) { return "<" + std::string{payload} + ">"; }};

  f.p->submit(one(make_job(7, "seven")));

  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  EXPECT_EQ(f.log.nth(event_kind::started).id, 7U);
  EXPECT_EQ(f.log.nth(event_kind::started).pid, ::getpid());
  EXPECT_EQ(f.log.nth(event_kind::finished).payload, "<seven>");
  EXPECT_GT(f.log.nth(event_kind::finished).runtime, 0ns);
}

TEST(thread_pool, runs_every_one_of_ten_thousand_jobs_once) {
  fixture f{[](std::string_view payload, job_channel&) { return std::string{payload}; }, 4};
  std::vector<job> jobs;
  for (std::uint64_t i = 1; i <= 10000; ++i) jobs.push_back(make_job(i, std::to_string(i)));

  f.p->submit(std::move(jobs));

  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 10000));
  std::set<std::uint64_t> ids;
  for (auto const& e : f.log.all()) {
    if (e.kind != event_kind::finished) continue;
    EXPECT_EQ(e.payload, std::to_string(e.id));
    ids.insert(e.id);
  }
  EXPECT_EQ(ids.size(), 10000U);
}

TEST(thread_pool, keeps_started_messages_and_end_of_a_job_in_order) {
  fixture f{[](std::string_view, job_channel& channel) {
    for (int i = 0; i < 50; ++i) channel.send(std::to_string(i));
    return std::string{"end"};
  }};

  for (std::uint64_t i = 1; i <= 20; ++i) f.p->submit(one(make_job(i, "")));

  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 20));
  std::vector<std::vector<std::string>> seen(21);
  for (auto const& e : f.log.all()) seen[e.id].push_back(e.kind == event_kind::started ? "start" : e.payload);
  for (std::size_t id = 1; id <= 20; ++id) {
    ASSERT_EQ(seen[id].size(), 52U);
    EXPECT_EQ(seen[id].front(), "start");
    for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(seen[id][i + 1], std::to_string(i));
    EXPECT_EQ(seen[id].back(), "end");
  }
}

TEST(thread_pool, asks_only_the_named_job_to_stop) {
  fixture f{until_stopped};
  f.p->submit(one(make_job(1, "")));
  f.p->submit(one(make_job(2, "")));
  ASSERT_TRUE(f.log.wait_for(event_kind::started, 2));

  f.p->request_stop(2);

  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  EXPECT_EQ(f.log.nth(event_kind::finished).id, 2U);
  EXPECT_FALSE(f.p->stop(deadline::in(1ms)));  // the other still runs
  f.p->request_stop(0);
  EXPECT_TRUE(f.p->stop(10s));
  EXPECT_EQ(f.log.count(event_kind::finished), 2U);
}

TEST(thread_pool, a_passed_soft_limit_asks_the_job_to_stop) {
  fixture f{until_stopped};
  auto j = make_job(1, "");
  j.soft_limit = 5ms;

  f.p->submit(one(std::move(j)));

  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  EXPECT_GE(f.log.nth(event_kind::finished).runtime, 5ms);
}

TEST(thread_pool, withdraw_takes_back_what_no_slot_has_started) {
  fixture f{until_stopped, 1};
  f.p->submit(one(make_job(1, "")));
  ASSERT_TRUE(f.log.wait_for(event_kind::started));
  f.p->submit(one(make_job(2, "")));
  f.p->submit(one(make_job(3, "")));

  EXPECT_EQ(f.p->withdraw(), (std::vector<std::uint64_t>{2, 3}));

  f.p->request_stop(1);
  EXPECT_TRUE(f.p->stop(10s));
  EXPECT_EQ(f.log.count(event_kind::started), 1U);
}

TEST(thread_pool, stop_starts_nothing_more_and_leaves_the_rest_to_withdraw) {
  fixture f{until_stopped, 1};
  f.p->submit(one(make_job(1, "")));
  ASSERT_TRUE(f.log.wait_for(event_kind::started));
  f.p->submit(one(make_job(2, "")));

  EXPECT_FALSE(f.p->stop(deadline::now()));
  f.p->request_stop(0);
  EXPECT_TRUE(f.p->stop(10s));
  f.p->submit(one(make_job(3, "")));

  EXPECT_EQ(f.p->withdraw(), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(f.log.count(event_kind::started), 1U);
}

TEST(thread_pool, stop_and_kill_may_come_first_and_twice) {
  for (auto* make : {make_solo, make_threads}) {
    auto p = make();
    EXPECT_TRUE(p->stop(1s));
    EXPECT_TRUE(p->stop(1s));
    p->kill();
    p->kill();
    EXPECT_FALSE(p->start({.concurrency = 1, .run = until_stopped, .on_events = {}}));
  }
}

TEST(thread_pool, kill_leaves_a_deaf_job_to_itself_and_sends_nothing_more) {
  static std::atomic<bool> release, left;  // outlive the pool, as its contract asks
  release = left = false;
  event_log log;
  auto p = make_threads();
  p->start({.concurrency = 1,
            .run =
                [](std::string_view, job_channel& channel) {
                  while (!release) std::this_thread::yield();
                  channel.send("into the void");
                  left = channel.stop_requested();
                  return std::string{};
                },
            .on_events = log.sink()})
      .value();
  p->submit(one(make_job(1, "")));
  ASSERT_TRUE(log.wait_for(event_kind::started));

  p->kill();
  p.reset();
  release = true;

  while (!left) std::this_thread::yield();
  EXPECT_EQ(log.all().size(), 1U);
}

TEST(thread_pool, a_runner_that_throws_loses_its_job_and_not_the_worker) {
  lovage::log::set_sink({}, lovage::log::level::critical);
  fixture f{[](std::string_view payload, job_channel&) -> std::string {
    if (payload == "bad") throw std::runtime_error{"oops"};
    return "fine";
  }};

  f.p->submit(one(make_job(1, "bad")));
  f.p->submit(one(make_job(2, "good")));

  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  ASSERT_TRUE(f.log.wait_for(event_kind::lost));
  EXPECT_EQ(f.log.nth(event_kind::lost).reason, "the runner threw: oops");
}

TEST(thread_pool, grows_and_shrinks_as_slots_become_free) {
  fixture f{until_stopped, 1};
  f.p->resize(3).value();
  EXPECT_EQ(f.p->concurrency(), 3U);
  for (std::uint64_t i = 1; i <= 3; ++i) f.p->submit(one(make_job(i, "")));
  ASSERT_TRUE(f.log.wait_for(event_kind::started, 3));

  f.p->resize(1).value();
  EXPECT_EQ(f.p->concurrency(), 1U);
  EXPECT_EQ(f.p->slots().size(), 3U);  // they still run
  f.p->request_stop(0);
  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 3));
  while (f.p->slots().size() > 1) std::this_thread::yield();

  f.p->resize(2).value();
  f.p->submit(one(make_job(4, "")));
  f.p->submit(one(make_job(5, "")));
  ASSERT_TRUE(f.log.wait_for(event_kind::started, 5));
  f.p->request_stop(0);
  EXPECT_TRUE(f.p->stop(10s));
  EXPECT_EQ(f.log.count(event_kind::finished), 5U);
}

TEST(thread_pool, says_what_it_cannot_do) {
  fixture f{until_stopped, 1};
  EXPECT_EQ(f.p->terminate(1, 15).error().code, errc::not_supported);
  EXPECT_EQ(f.p->restart().error().code, errc::not_supported);
  EXPECT_EQ(f.p->resize(0).error().code, errc::invalid_argument);
  auto solo = make_solo();
  EXPECT_EQ(solo->resize(2).error().code, errc::not_supported);
}

TEST(thread_pool, the_sink_may_submit) {
  std::atomic<int> finished{0};
  std::latch done{1};
  auto p = make_threads();
  p->start({.concurrency = 2,
            .run = [](std::string_view, job_channel&) { return std::string{}; },
            .on_events =
                [&](std::vector<event>&& batch) {
                  for (auto const& e : batch) {
                    if (e.kind != event_kind::finished) continue;
                    if (++finished == 100) return done.count_down();
                    p->submit(one(make_job(e.id + 1, "")));
                  }
                }})
      .value();

  p->submit(one(make_job(1, "")));

  done.wait();
  EXPECT_TRUE(p->stop(10s));
}

TEST(thread_pool, refuses_to_start_without_runner_or_slots_or_twice) {
  EXPECT_FALSE(make_threads()->start({.concurrency = 1, .run = {}, .on_events = {}}));
  EXPECT_FALSE(make_threads()->start({.concurrency = 0, .run = until_stopped, .on_events = {}}));
  fixture f{until_stopped};
  EXPECT_FALSE(f.p->start({.concurrency = 1, .run = until_stopped, .on_events = {}}));
}

TEST(solo_pool, runs_one_job_at_a_time_in_order) {
  std::atomic<int> inside{0}, most{0};
  event_log log;
  auto p = make_solo();
  p->start({.concurrency = 8,
            .run =
                [&](std::string_view, job_channel&) {
                  most = std::max(most.load(), ++inside);
                  std::this_thread::yield();
                  --inside;
                  return std::string{};
                },
            .on_events = log.sink()})
      .value();
  for (std::uint64_t i = 1; i <= 100; ++i) p->submit(one(make_job(i, "")));

  ASSERT_TRUE(log.wait_for(event_kind::finished, 100));
  EXPECT_EQ(most, 1);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(log.nth(event_kind::finished, i).id, i + 1);
  EXPECT_TRUE(p->stop(10s));
}

}  // namespace
}  // namespace lovage::pool
