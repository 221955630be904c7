// How many children there are, and which: growing, shrinking, recycling, ending single jobs.
#include "prefork_fixture.hpp"

#include <fcntl.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

namespace lovage::pool {
namespace {

std::string command_line_of(int pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/cmdline"};
  std::string const line{std::istreambuf_iterator<char>{file}, {}};
  return line.substr(0, line.find('\0'));
}

bool shares_one(std::vector<int> const& a, std::vector<int> const& b) {
  return std::find_first_of(a.begin(), a.end(), b.begin(), b.end()) != a.end();
}

TEST(prefork_places, a_pool_grows_and_runs_more_at_once) {
  prefork f{1};

  f.p->resize(3).value();

  EXPECT_EQ(f.p->concurrency(), 3U);
  for (int i = 0; i < 3; ++i) f.submit("wait");
  EXPECT_TRUE(f.log.wait_for(event_kind::message, 3));  // all three at once: each waits until it is told
  f.p->request_stop(0);
  EXPECT_TRUE(f.log.wait_for(event_kind::finished, 3));
}

TEST(prefork_places, a_pool_shrinks_at_once_where_it_is_idle) {
  prefork f{4};

  f.p->resize(1).value();

  EXPECT_TRUE(eventually([&] { return f.p->pids().size() == 1; }));
  EXPECT_EQ(f.p->slots().size(), 1U);
  f.submit("echo still");
  EXPECT_EQ(f.ended().payload, "still");
}

TEST(prefork_places, a_busy_child_goes_when_its_job_is_done) {
  prefork f{2};
  f.submit("wait");
  f.submit("wait");
  ASSERT_TRUE(f.log.wait_for(event_kind::message, 2));

  f.p->resize(1).value();

  EXPECT_EQ(f.p->slots().size(), 2U);
  f.p->request_stop(0);
  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 2));
  EXPECT_TRUE(eventually([&] { return f.p->pids().size() == 1; }));
}

TEST(prefork_places, shrinking_and_growing_again_keeps_a_busy_child) {
  prefork f{1};
  f.p->resize(2).value();
  f.submit("wait");
  f.submit("wait");
  ASSERT_TRUE(f.log.wait_for(event_kind::message, 2));
  auto const before = f.p->pids();

  f.p->resize(1).value();
  f.p->resize(2).value();
  f.p->request_stop(0);
  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 2));
  f.submit("wait");
  f.submit("wait");

  ASSERT_TRUE(f.log.wait_for(event_kind::message, 4));
  EXPECT_EQ(f.p->pids(), before);
  f.p->request_stop(0);
}

TEST(prefork_places, resizing_to_nothing_or_after_the_end_is_an_error) {
  prefork f{1};
  EXPECT_EQ(f.p->resize(0).error().code, errc::invalid_argument);
  EXPECT_EQ(f.p->resize(1'000'000).error().code, errc::invalid_argument);
  ASSERT_TRUE(f.p->stop(20s));
  EXPECT_EQ(f.p->resize(2).error().code, errc::closed);
}

TEST(prefork_places, terminate_ends_a_running_job_by_the_signal_and_only_that_one) {
  prefork f{2};
  f.submit(make_job(1, "wait"));
  f.submit(make_job(2, "wait"));
  ASSERT_TRUE(f.log.wait_for(event_kind::message, 2));

  f.p->terminate(2, SIGTERM).value();

  auto const e = f.ended();
  EXPECT_EQ(e.kind, event_kind::terminated);
  EXPECT_EQ(e.id, 2U);
  EXPECT_EQ(e.reason, "signal 15 (SIGTERM)");
  f.submit(make_job(3, "echo next"));
  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  EXPECT_EQ(f.log.nth(event_kind::finished).payload, "next");
  f.p->request_stop(0);
}

TEST(prefork_places, terminate_of_what_does_not_run_is_an_error) {
  prefork f{1};
  f.submit(make_job(1, "echo x"));
  ASSERT_TRUE(f.log.wait_for(event_kind::finished));

  EXPECT_EQ(f.p->terminate(1, SIGTERM).error().code, errc::invalid_argument);
  EXPECT_EQ(f.p->terminate(7, SIGTERM).error().code, errc::invalid_argument);
  EXPECT_EQ(f.p->terminate(1, 1000).error().code, errc::invalid_argument);
}

TEST(prefork_places, restart_replaces_every_child_and_disturbs_no_job) {
  prefork f{2};
  auto const before = f.p->pids();
  f.submit("wait");
  ASSERT_TRUE(f.log.wait_for(event_kind::message));

  f.p->restart().value();
  for (int i = 0; i < 20; ++i) f.submit("echo x");

  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 20));
  f.p->request_stop(0);
  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 21));
  EXPECT_TRUE(eventually([&] { return f.p->pids().size() == 2 && !shares_one(f.p->pids(), before); }));
  EXPECT_EQ(f.log.count(event_kind::lost), 0U);
}

TEST(prefork_places, a_child_runs_exactly_its_maximum_of_jobs) {
  options with;
  with.max_tasks_per_child = 3;
  prefork f{1, with};

  for (int i = 0; i < 30; ++i) f.submit("echo x");

  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 30));
  std::map<int, int> jobs;
  for (auto const& e : f.log.all()) jobs[e.pid] += e.kind == event_kind::finished ? 1 : 0;
  EXPECT_EQ(jobs.size(), 10U);
  for (auto const& [pid, n] : jobs) EXPECT_EQ(n, 3) << pid;
  EXPECT_EQ(f.log.count(event_kind::lost), 0U);
}

TEST(prefork_places, a_child_that_waits_for_its_last_job_is_kept_for_it) {
  options with;
  with.max_tasks_per_child = 2;
  prefork f{1, with};

  for (std::size_t i = 1; i <= 4; ++i) {
    f.submit("echo x");
    ASSERT_TRUE(f.log.wait_for(event_kind::finished, i));
  }

  auto const pid = [&](std::size_t n) { return f.log.nth(event_kind::finished, n).pid; };
  EXPECT_EQ(pid(0), pid(1));
  EXPECT_NE(pid(1), pid(2));
  EXPECT_EQ(pid(2), pid(3));
}

TEST(prefork_places, the_successor_is_ready_before_the_last_job_ends) {
  options with;
  with.max_tasks_per_child = 1;
  prefork f{1, with};

  f.submit("wait");

  ASSERT_TRUE(f.log.wait_for(event_kind::message));
  EXPECT_TRUE(eventually([&] { return f.p->slots().size() == 2; }));
  EXPECT_EQ(f.p->concurrency(), 1U);
  f.p->request_stop(0);
  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  EXPECT_TRUE(eventually([&] { return f.p->pids().size() == 1; }));
}

TEST(prefork_places, a_child_that_takes_too_much_memory_is_replaced) {
  options with;
  with.max_memory_per_child = slowness == 1 ? 64 * 1024 : 1024 * 1024;
  prefork f{1, with};
  f.submit("echo x");
  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  auto const before = f.p->pids();
  f.submit("echo x");
  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 2));
  EXPECT_EQ(f.p->pids(), before);

  f.submit("keep " + std::to_string(with.max_memory_per_child / 1024));

  ASSERT_TRUE(f.log.wait_for(event_kind::finished, 3));
  EXPECT_TRUE(eventually([&] { return f.p->pids().size() == 1 && !shares_one(f.p->pids(), before); }));
  EXPECT_EQ(f.log.count(event_kind::lost), 0U);
}

TEST(prefork_places, no_job_is_lost_or_run_twice_while_children_come_and_go) {
  options with;
  with.max_tasks_per_child = 7;
  prefork f{2, with};
  constexpr std::uint64_t jobs = 1500;

  for (std::uint64_t i = 1; i <= jobs; ++i) {
    f.submit(make_job(i, "echo x"));
    if (i % 40 == 0) f.p->resize(1 + i / 40 % 5).value();
    if (i % 100 == 0) f.p->restart().value();
    ASSERT_TRUE(f.log.wait_for(event_kind::finished, i / 2));
  }

  ASSERT_TRUE(f.log.wait_for(event_kind::finished, jobs));
  std::set<std::uint64_t> ids;
  for (auto const& e : f.log.all()) {
    if (e.kind == event_kind::finished) ids.insert(e.id);
  }
  EXPECT_EQ(ids.size(), jobs);
  EXPECT_EQ(f.log.count(event_kind::finished), jobs);
  EXPECT_EQ(f.log.count(event_kind::lost), 0U);
  auto const size = f.p->concurrency();
  EXPECT_TRUE(eventually([&] { return f.p->pids().size() == size; }));
  EXPECT_TRUE(f.p->stop(20s));
  EXPECT_TRUE(family_of(::getpid()).empty());
}

TEST(prefork_places, titles_say_what_each_process_is_and_runs) {
  options with;
  with.title = "w1@host";
  prefork f{1, with};
  f.submit("wait");
  ASSERT_TRUE(f.log.wait_for(event_kind::message));

  auto const family = family_of(::getpid());

  ASSERT_EQ(family.size(), 2U);
  EXPECT_EQ(command_line_of(family[0]), "[lovage: w1@host:ForkServer]");
  EXPECT_EQ(command_line_of(family[1]), "[lovage: w1@host:ForkPoolWorker-1: wait]");
  f.p->request_stop(0);
  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  EXPECT_EQ(command_line_of(family[1]), "[lovage: w1@host:ForkPoolWorker-1]");
}

TEST(prefork_places, a_child_over_its_hard_limit_says_where_it_stood) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer holds signals back while a thread makes no system call";
#endif
  std::string const file = ::testing::TempDir() + "prefork-stack-" + std::to_string(::getpid());
  int const before = ::dup(STDERR_FILENO);
  int const to = ::open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  ::dup2(to, STDERR_FILENO);
  {
    prefork f{1};
    auto j = make_job(1, "spin");
    j.hard_limit = 20ms;
    f.submit(std::move(j));
    EXPECT_TRUE(f.log.wait_for(event_kind::timed_out));
  }
  ::dup2(before, STDERR_FILENO);
  ::close(before), ::close(to);

  std::ifstream in{file};
  std::string const text{std::istreambuf_iterator<char>{in}, {}};
  EXPECT_NE(text.find("ForkPoolWorker-1: spin]"), text.npos) << text;
  EXPECT_NE(text.find("end of stack"), text.npos) << text;
  EXPECT_NE(text.find("prefork_pool_test"), text.npos) << text;
  ::unlink(file.c_str());
}

TEST(prefork_places, hard_and_soft_limits_are_kept_within_a_tenth_of_a_second) {
  prefork f{2};
  auto hard = make_job(1, "spin"), soft = make_job(2, "wait");
  hard.hard_limit = 300ms;
  soft.soft_limit = 300ms;

  f.submit(std::move(hard));
  f.submit(std::move(soft));

  ASSERT_TRUE(f.log.wait_for(event_kind::timed_out));
  ASSERT_TRUE(f.log.wait_for(event_kind::finished));
  for (auto const kind : {event_kind::timed_out, event_kind::finished}) {
    EXPECT_GE(f.log.nth(kind).runtime, 300ms);
    EXPECT_LT(f.log.nth(kind).runtime, 300ms + 100ms * slowness);
  }
}

}  // namespace
}  // namespace lovage::pool
