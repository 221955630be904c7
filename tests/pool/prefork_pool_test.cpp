// The prefork pool with real processes. This program is its own fork server: see main() at the end.
#include "pool/prefork.hpp"

#include "core/log.hpp"
#include "prefork_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <set>

namespace lovage::pool {
namespace {

TEST(prefork_pool, gives_back_what_the_runner_returned_in_another_process) {
  prefork f{2};

  f.submit("echo hello");

  auto const e = f.ended();
  EXPECT_EQ(e.kind, event_kind::finished);
  EXPECT_EQ(e.payload, "hello");
  EXPECT_NE(e.pid, ::getpid());
  auto const pids = f.p->pids();
  EXPECT_EQ(pids.size(), 2U);
  EXPECT_TRUE(std::find(pids.begin(), pids.end(), e.pid) != pids.end());
  EXPECT_EQ(f.log.nth(event_kind::started).pid, e.pid);
}

TEST(prefork_pool, runs_every_one_of_five_thousand_jobs_once) {
  prefork f{3};
  std::vector<job> jobs;
  for (std::uint64_t i = 1; i <= 5000; ++i) jobs.push_back(make_job(i, "echo " + std::to_string(i)));

  f.p->submit(std::move(jobs));

  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 5000));
  std::set<std::uint64_t> ids;
  for (auto const& e : f.log.all()) {
    if (e.kind != event_kind::finished) continue;
    EXPECT_EQ(e.payload, std::to_string(e.id));
    ids.insert(e.id);
  }
  EXPECT_EQ(ids.size(), 5000U);
}

TEST(prefork_pool, carries_fifty_megabytes_both_ways_at_once) {
  prefork f{2};
  std::string large(50 << 20, 'x');
  large.replace(0, 5, "twice");  // sends the payload as a message, then returns it
  large.back() = '!';

  f.submit(large);
  f.submit(large);

  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 2));
  for (auto const& e : f.log.all()) {
    if (e.kind == event_kind::started) continue;
    EXPECT_TRUE(e.payload == large) << e.payload.size();
  }
  EXPECT_EQ(f.log.count(event_kind::message), 2U);
}

TEST(prefork_pool, keeps_messages_of_a_job_in_order_and_before_its_end) {
  prefork f{2};

  f.submit("count 500");

  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  auto const all = f.log.all();
  ASSERT_EQ(all.size(), 502U);
  EXPECT_EQ(all.front().kind, event_kind::started);
  for (std::size_t i = 0; i < 500; ++i) EXPECT_EQ(all[i + 1].payload, std::to_string(i));
  EXPECT_EQ(all.back().kind, event_kind::finished);
}

TEST(prefork_pool, messages_arrive_while_the_job_runs) {
  prefork f{1};
  f.submit("wait");

  ASSERT_TRUE(f.log.wait_for(event_kind::message));
  EXPECT_EQ(f.log.count(event_kind::finished), 0U);
  f.p->request_stop(0);

  EXPECT_EQ(f.ended().payload, "stopped");
}

struct death {
  char const* job;
  char const* reason;
};

class a_child_that_dies : public ::testing::TestWithParam<death> {};

TEST_P(a_child_that_dies, is_reported_with_its_reason_and_replaced) {
  prefork f{1};

  f.submit(GetParam().job);
  f.submit("echo next");

  ASSERT_TRUE(f.log.wait_for(event_kind::lost));
  EXPECT_EQ(f.log.nth(event_kind::lost).reason, GetParam().reason);
  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  EXPECT_EQ(f.log.nth(event_kind::finished).payload, "next");
  EXPECT_NE(f.log.nth(event_kind::finished).pid, f.log.nth(event_kind::lost).pid);
}

INSTANTIATE_TEST_SUITE_P(
    prefork_pool, a_child_that_dies,
    ::testing::Values(death{"exit 3", "exit status 3"}, death{"exit 0", "exit status 0"},
                      death{"abort", "signal 6 (SIGABRT)"}, death{"segv", "signal 11 (SIGSEGV)"},
                      death{"kill", "signal 9 (SIGKILL): out of memory?"},
                      death{"close", "signal 9 (SIGKILL): it had closed its channel to the worker"},
                      death{"garbage", "signal 9 (SIGKILL): it had closed its channel to the worker"}));

TEST(prefork_pool, a_runner_that_throws_loses_its_job_and_keeps_its_child) {
  prefork f{1};
  f.submit("throw");
  f.submit("echo next");

  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  EXPECT_EQ(f.log.nth(event_kind::lost).reason, "the runner threw: oops");
  EXPECT_EQ(f.log.nth(event_kind::finished).pid, f.log.nth(event_kind::lost).pid);
}

TEST(prefork_pool, replaces_a_child_killed_while_idle) {
  prefork f{2};
  auto const before = f.p->pids();
  for (int const pid : before) ::kill(pid, SIGKILL);

  auto const replaced = [&] {
    auto const now = f.p->pids();
    return now.size() == 2 && std::find_first_of(now.begin(), now.end(), before.begin(), before.end()) == now.end();
  };
  ASSERT_TRUE(eventually(replaced));
  for (int i = 0; i < 10; ++i) f.submit("echo x");

  EXPECT_TRUE(f.log.wait_for(event_kind::finished, 10));
}

TEST(prefork_pool, survives_a_hundred_children_that_die_in_their_job) {
  prefork f{4};
  for (int i = 0; i < 90; ++i) f.submit(i % 2 == 0 ? "kill" : "echo x");

  EXPECT_TRUE(f.log.wait_for(event_kind::finished, 45));
  EXPECT_TRUE(f.log.wait_for(event_kind::lost, 45));
}

TEST(prefork_pool, a_result_that_was_written_before_death_counts) {
  prefork f{1};

  f.submit(make_job(1, "die-after 1"));  // writes its result by itself, then SIGKILL

  EXPECT_EQ(f.ended().kind, event_kind::finished);
}

TEST(prefork_pool, tells_once_of_each_job_that_runs_for_longer_than_the_watchdog_allows) {
  options with;
  with.watchdog = 50ms;
  prefork f{2, std::move(with)};
  f.submit("echo short");
  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  f.submit("wait");
  f.submit("wait");

  ASSERT_TRUE(f.log.wait_for(event_kind::overdue, 2));

  auto const first = f.log.nth(event_kind::overdue), second = f.log.nth(event_kind::overdue, 1);
  EXPECT_EQ(first.id + second.id, 5U);
  EXPECT_NE(first.pid, second.pid);
  EXPECT_GE(first.runtime, 50ms);
  f.p->request_stop(0);
  EXPECT_TRUE(f.log.wait_for(event_kind::finished, 3));
  EXPECT_EQ(f.log.count(event_kind::overdue), 2U);
}

TEST(prefork_pool, kills_a_job_at_its_hard_limit) {
  prefork f{1};
  auto j = make_job(1, "spin");
  j.hard_limit = 100ms;
  f.submit(std::move(j));
  f.submit("echo next");

  ASSERT_TRUE(f.log.wait_for(event_kind::timed_out));
  auto const e = f.log.nth(event_kind::timed_out);
  EXPECT_EQ(e.reason, "hard limit of 100 ms passed");
  EXPECT_GE(e.runtime, 100ms);
  EXPECT_LT(e.runtime, 200ms * slowness);
  EXPECT_TRUE(f.log.wait_for(event_kind::finished));
}

TEST(prefork_pool, a_passed_soft_limit_asks_the_job_to_stop) {
  prefork f{1};
  auto j = make_job(1, "wait");
  j.soft_limit = 20ms;

  f.submit(std::move(j));

  EXPECT_EQ(f.ended().payload, "stopped");
  EXPECT_GE(f.ended().runtime, 20ms);
}

TEST(prefork_pool, asks_only_the_named_job_to_stop_and_not_the_next_one) {
  prefork f{2};
  f.submit(make_job(1, "wait"));
  f.submit(make_job(2, "wait"));
  ASSERT_TRUE(f.log.wait_for(event_kind::message, 2));

  f.p->request_stop(2);

  EXPECT_EQ(f.ended().id, 2U);
  f.submit(make_job(3, "asked?"));
  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 2));
  EXPECT_EQ(f.log.nth(event_kind::finished, 1).payload, "no");
  EXPECT_FALSE(f.p->stop(deadline::now()));
  f.p->request_stop(0);
  EXPECT_TRUE(f.p->stop(20s));
}

TEST(prefork_pool, withdraw_takes_back_what_no_child_has_started) {
  prefork f{1};
  f.submit(make_job(1, "wait"));
  f.submit(make_job(2, "echo x"));
  f.submit(make_job(3, "echo x"));

  EXPECT_EQ(f.p->withdraw(), (std::vector<std::uint64_t>{2, 3}));

  f.p->request_stop(1);
  EXPECT_TRUE(f.p->stop(20s));
  EXPECT_EQ(f.log.count(event_kind::started), 1U);
}

TEST(prefork_pool, starts_the_fork_server_again_when_it_is_killed) {
  prefork f{2};
  f.submit("wait");
  ASSERT_TRUE(f.log.wait_for(event_kind::message));
  auto const before = family_of(::getpid());
  ASSERT_EQ(before.size(), 3U);

  ::kill(before.front(), SIGKILL);  // the direct child: the server

  ASSERT_TRUE(f.log.wait_for(event_kind::lost));
  EXPECT_EQ(f.log.nth(event_kind::lost).reason, "the fork server died: signal 9 (SIGKILL)");
  EXPECT_TRUE(eventually([&] { return std::none_of(before.begin(), before.end(), alive); }));
  f.submit("echo again");
  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  EXPECT_EQ(f.log.nth(event_kind::finished).payload, "again");
}

TEST(prefork_pool, stop_leaves_no_process_no_zombie_and_no_descriptor) {
  auto const before = open_descriptors();
  {
    prefork f{3};
    f.submit("echo x");
    ASSERT_TRUE(f.log.wait_for(event_kind::finished));
    EXPECT_TRUE(f.p->stop(20s));
    EXPECT_TRUE(f.p->stop(20s));
    EXPECT_TRUE(family_of(::getpid()).empty());
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(prefork_pool, kill_ends_children_inside_a_job_and_sends_nothing_more) {
  auto const before = open_descriptors();
  {
    prefork f{2};
    f.submit("spin");
    f.submit("wait");
    ASSERT_TRUE(f.log.wait_for(event_kind::message));

    f.p->kill();

    EXPECT_TRUE(family_of(::getpid()).empty());
    EXPECT_EQ(f.log.count(event_kind::lost), 0U);
    f.p->kill();
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(prefork_pool, stop_and_kill_may_come_first) {
  auto p = make_prefork();
  EXPECT_TRUE(p->stop(1s));
  p->kill();
  EXPECT_FALSE(p->start({.concurrency = 1, .run = run_command, .on_events = {}}));
}

TEST(prefork_pool, what_jobs_print_or_read_does_not_disturb_the_channel) {
  prefork f{1};
  f.submit("print");
  f.submit("stdin");

  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 2));
  EXPECT_EQ(f.log.nth(event_kind::finished, 0).payload, "printed");
  EXPECT_EQ(f.log.nth(event_kind::finished, 1).payload, "end of file");
}

TEST(prefork_pool, subprocesses_of_a_job_see_no_trace_of_the_fork_server) {
  prefork f{1};
  f.submit("env");

  EXPECT_EQ(f.ended().payload, "0 1 2 ");
}

TEST(prefork_pool, an_idle_child_owns_at_most_five_mebibytes) {
  prefork f{2};
  f.submit("echo x");
  ASSERT_TRUE(f.log.wait_for(event_kind::finished));

  for (int const pid : f.p->pids()) {
    auto const kib = private_kib(pid);
    RecordProperty("private_kib", std::to_string(kib));
    EXPECT_GT(kib, 0U);
    EXPECT_LE(kib, slowness == 1 ? 5U * 1024 : SIZE_MAX);  // sanitizers keep tables of their own
  }
}

TEST(prefork_pool, says_that_main_started_threads_too_early) {
  auto const r = run_role("threads");

  // 2 of them, or 3 with the one that ThreadSanitizer adds to the first
  EXPECT_THAT(r.output, ::testing::MatchesRegex("the fork server failed: [23] threads before worker::run.*later\n"));
}

TEST(prefork_pool, says_that_main_never_got_to_run) {
  auto const r = run_role("no-server");

  EXPECT_EQ(r.output, "the fork server failed: exit status 4 before worker::run() was ready\n");
}

TEST(prefork_pool, goes_on_when_its_program_was_deleted_on_disk) {
  auto const r = run_role("deleted");

  EXPECT_EQ(r.output, "first\nsecond\n");
}

TEST(prefork_pool, leaves_nothing_when_the_worker_is_killed) {
  role_process worker{"hang"};
  std::string const up = worker.read_line();  // pids of server and children
  std::istringstream list{up};
  std::vector<int> pids{std::istream_iterator<int>{list}, {}};
  ASSERT_EQ(pids.size(), 3U) << up;

  worker.process.signal(SIGKILL);
  ASSERT_TRUE(worker.process.wait(20s));

  EXPECT_TRUE(eventually([&] { return std::none_of(pids.begin(), pids.end(), alive); }));
}

}  // namespace
}  // namespace lovage::pool

int main(int argc, char** argv) {
  if (auto const* role = std::getenv("POOL_TEST_ROLE")) return lovage::pool::play(role);
  if (lovage::pool::is_fork_server()) lovage::pool::serve_forks(lovage::pool::run_command);
  lovage::log::set_sink({}, lovage::log::level::critical);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
