// What the tests of the prefork pool share: jobs, a started pool, and a look into /proc.
#pragma once

#include "eventually.hpp"
#include "io/process.hpp"
#include "pool/event_log.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <set>
#include <sstream>

namespace lovage::pool {

using namespace std::chrono_literals;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr int slowness = 10;
#else
inline constexpr int slowness = 1;
#endif

/// The runner of all tests: the first word of the payload is what to do.
std::string run_command(std::string_view payload, job_channel& channel);

/// A started pool.
struct prefork {
  event_log log;
  std::unique_ptr<pool> p = make_prefork();

  explicit prefork(std::size_t concurrency, options with = {}) {
    with.concurrency = concurrency;
    with.run = run_command;
    with.on_events = log.sink();
    p->start(std::move(with)).value();
  }
  void submit(job j) {
    std::vector<job> jobs;
    jobs.push_back(std::move(j));
    p->submit(std::move(jobs));
  }
  void submit(std::string payload) { submit(make_job(++last_id, std::move(payload))); }
  /// The first end of a job, of whatever kind.
  event ended() {
    event out;
    EXPECT_TRUE(log.wait([&](auto const& all) {
      for (auto const& e : all) {
        if (e.kind == event_kind::started || e.kind == event_kind::message || e.kind == event_kind::overdue) continue;
        out = e;
        return true;
      }
      return false;
    }));
    return out;
  }
  std::uint64_t last_id = 0;
};

using lovage::testing::eventually;

/// Descendants of a process, zombies included, its own children first.
std::vector<int> family_of(int pid);
bool alive(int pid);
std::set<std::string> open_descriptors();
std::size_t private_kib(int pid);

/// This program in another role: see `play`.
struct role_process {
  io::process process;
  io::descriptor out;
  explicit role_process(std::string const& role, std::string const& file = "/proc/self/exe");
  std::string read_line();
  std::string read_all();
};

struct role_result {
  std::string output;
};
role_result run_role(std::string const& role);

/// What the program does when POOL_TEST_ROLE is set.
int play(std::string const& role);

}  // namespace lovage::pool
