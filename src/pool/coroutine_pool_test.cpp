#include "pool/event_log.hpp"

#include "core/log.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

namespace lovage::pool {
namespace {

using namespace std::chrono_literals;

/// Keeps the jobs that were opened; a payload of "plain" ends at once.
struct open_jobs {
  std::mutex m;
  std::condition_variable opened;
  std::map<std::string, std::shared_ptr<open_job>> jobs;
  event_log log;
  std::unique_ptr<pool> p = make_coroutines();

  explicit open_jobs(std::size_t concurrency) {
    options with;
    with.concurrency = concurrency;
    with.on_events = log.sink();
    with.open = [this](std::string const& payload, std::shared_ptr<open_job> job) {
      if (payload == "plain") return job->finish("done");
      std::lock_guard lock{m};
      jobs[payload] = std::move(job);
      opened.notify_all();
    };
    p->start(std::move(with)).value();
  }
  ~open_jobs() { p->kill(); }
  void submit(std::string const& payload, std::chrono::milliseconds soft = 0ms) {
    std::vector<job> all;
    all.push_back(make_job(++last_id, payload));
    if (soft > 0ms) all.back().soft_limit = soft;
    p->submit(std::move(all));
  }
  std::shared_ptr<open_job> at(std::string const& payload) {
    std::unique_lock lock{m};
    EXPECT_TRUE(opened.wait_for(lock, 60s, [&] { return jobs.contains(payload); }));
    return jobs[payload];
  }
  std::uint64_t last_id = 0;
};

TEST(coroutine_pool, a_job_ends_when_it_says_so_and_not_when_it_was_opened) {
  open_jobs f{2};
  f.submit("a");
  auto const a = f.at("a");
  EXPECT_EQ(f.log.count(event_kind::finished), 0U);

  a->send("half");
  a->finish("whole");
  a->finish("and again");

  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  EXPECT_EQ(f.log.nth(event_kind::message).payload, "half");
  EXPECT_EQ(f.log.nth(event_kind::finished).payload, "whole");
  EXPECT_TRUE(f.p->stop(10s));
  EXPECT_EQ(f.log.count(event_kind::finished), 1U);
}

TEST(coroutine_pool, opens_no_more_than_its_concurrency) {
  open_jobs f{2};
  for (auto const* name : {"a", "b", "c"}) f.submit(name);
  auto const a = f.at("a"), b = f.at("b");
  EXPECT_EQ(f.p->slots().size(), 2U);
  ASSERT_TRUE(f.log.wait_for(event_kind::started, 2));
  EXPECT_EQ(f.log.count(event_kind::started), 2U);

  b->finish("");

  EXPECT_TRUE(f.at("c"));
  f.p->resize(3).value();
  f.submit("d");
  EXPECT_TRUE(f.at("d"));
}

TEST(coroutine_pool, runs_plain_jobs_one_after_the_other) {
  open_jobs f{1};
  for (int i = 0; i < 100; ++i) f.submit("plain");
  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 100));
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(f.log.nth(event_kind::finished, i).id, i + 1);
}

TEST(coroutine_pool, tells_a_job_once_when_its_soft_limit_has_passed) {
  open_jobs f{2};
  f.submit("a", 20ms);
  auto const a = f.at("a");
  std::atomic<int> told{0};
  a->when_stopped([&] {
    ++told;
    told.notify_all();
  });

  told.wait(0);

  EXPECT_EQ(a->why_stop(), stop_reason::soft_limit);
  a->finish("");
  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  EXPECT_GE(f.log.nth(event_kind::finished).runtime, 20ms);
  EXPECT_LT(f.log.nth(event_kind::finished).runtime, 10s);
  EXPECT_EQ(told, 1);
}

TEST(coroutine_pool, tells_only_the_named_job_to_stop_and_one_that_asks_too_late_at_once) {
  open_jobs f{2};
  f.submit("a");
  f.submit("b");
  auto const a = f.at("a"), b = f.at("b");
  std::atomic<int> told_a{0}, told_b{0};
  a->when_stopped([&] { ++told_a; });

  f.p->request_stop(1);
  f.p->request_stop(2);
  b->when_stopped([&] { ++told_b; });

  EXPECT_EQ(told_a, 1);
  EXPECT_EQ(told_b, 1);
  EXPECT_EQ(b->why_stop(), stop_reason::asked);
}

TEST(coroutine_pool, a_job_that_is_terminated_is_told_to_stop_and_counts_as_terminated) {
  open_jobs f{2};
  f.submit("a");
  f.submit("b");
  auto const a = f.at("a"), b = f.at("b");
  std::atomic<int> told{0};
  a->when_stopped([&] { ++told; });

  f.p->terminate(1, 15).value();

  EXPECT_EQ(told, 1);
  EXPECT_EQ(a->why_stop(), stop_reason::asked);
  EXPECT_EQ(b->why_stop(), stop_reason::none);
  a->finish("whatever");
  b->finish("done");
  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  EXPECT_EQ(f.log.nth(event_kind::terminated).id, 1U);
  EXPECT_EQ(f.log.nth(event_kind::terminated).reason, "cancelled");
  EXPECT_EQ(f.log.count(event_kind::finished), 1U);
  EXPECT_EQ(f.p->terminate(1, 15).error().code, errc::invalid_argument);
}

TEST(coroutine_pool, stop_waits_for_what_is_open_and_leaves_the_rest_to_withdraw) {
  open_jobs f{1};
  f.submit("a");
  auto const a = f.at("a");
  f.submit("b");

  EXPECT_FALSE(f.p->stop(deadline::now()));
  EXPECT_EQ(f.p->withdraw(), std::vector<std::uint64_t>{2});
  a->finish("");
  EXPECT_TRUE(f.p->stop(10s));
  EXPECT_EQ(f.log.count(event_kind::finished), 1U);
}

TEST(coroutine_pool, the_opener_runs_what_jobs_ask_it_to_before_it_opens_others) {
  open_jobs f{2};
  f.submit("a");
  auto const a = f.at("a");
  std::thread::id first, second;
  std::atomic<int> ran{0};
  EXPECT_TRUE(a->on_opener([&] { first = std::this_thread::get_id(); }));
  EXPECT_TRUE(a->on_opener([&] {
    second = std::this_thread::get_id();
    ran = 1;
    ran.notify_all();
  }));
  ran.wait(0);
  EXPECT_EQ(first, second);
  EXPECT_NE(first, std::this_thread::get_id());
}

TEST(coroutine_pool, the_opener_serves_open_jobs_while_the_pool_drains) {
  open_jobs f{1};
  f.submit("a");
  auto const a = f.at("a");
  EXPECT_FALSE(f.p->stop(deadline::now()));
  EXPECT_TRUE(a->on_opener([&] { a->finish("at the end"); }));
  EXPECT_TRUE(f.p->stop(10s));
  EXPECT_EQ(f.log.nth(event_kind::finished).payload, "at the end");
}

TEST(coroutine_pool, after_kill_there_is_no_opener_any_more) {
  open_jobs f{1};
  f.submit("a");
  auto const a = f.at("a");
  f.p->kill();
  EXPECT_FALSE(a->on_opener([] { ADD_FAILURE() << "run all the same"; }));
}

TEST(coroutine_pool, kill_tells_open_jobs_and_sends_nothing_more) {
  open_jobs f{1};
  f.submit("a");
  auto const a = f.at("a");
  std::atomic<int> told{0};
  a->when_stopped([&] { ++told; });

  f.p->kill();
  a->finish("too late");

  EXPECT_EQ(told, 1);
  EXPECT_EQ(f.log.count(event_kind::finished), 0U);
}

TEST(coroutine_pool, stop_and_kill_may_come_first) {
  auto p = make_coroutines();
  EXPECT_TRUE(p->stop(1s));
  p->kill();
  EXPECT_FALSE(p->start({}));
}

}  // namespace
}  // namespace lovage::pool
