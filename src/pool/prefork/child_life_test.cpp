#include "pool/prefork/child_life.hpp"

#include "pool/prefork/restart_brake.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace lovage::pool {
namespace {

using namespace std::chrono_literals;
using in = child_input;
using st = child_state;

/// A place after these inputs, and what the last of them asked for.
struct after {
  child_life life;
  child_actions last;
  after(std::initializer_list<in> inputs) {
    for (auto const i : inputs) last = life.step(i);
  }
};

TEST(child_life, a_child_is_offered_once_it_is_ready) {
  EXPECT_FALSE(after({in::forked}).last.offer);
  EXPECT_TRUE(after({in::forked, in::ready}).last.offer);
}

TEST(child_life, a_result_finishes_the_job_and_frees_the_child) {
  after const a{in::forked, in::ready, in::given, in::result};
  EXPECT_TRUE(a.last.finish);
  EXPECT_TRUE(a.last.offer);
  EXPECT_EQ(a.life.state(), st::idle);
  EXPECT_FALSE(a.life.fruitless());
}

TEST(child_life, death_in_a_job_loses_it) {
  after const a{in::forked, in::ready, in::given, in::died};
  EXPECT_TRUE(a.last.lose);
  EXPECT_FALSE(a.last.time_out);
  EXPECT_EQ(a.life.state(), st::absent);
}

TEST(child_life, death_without_a_job_loses_nothing) {
  for (auto const& a : {after{in::forked, in::died}, after{in::forked, in::ready, in::died},
                        after{in::forked, in::ready, in::given, in::result, in::died}}) {
    EXPECT_FALSE(a.last.lose);
  }
}

TEST(child_life, a_job_over_its_limit_is_killed_and_times_out_when_the_child_is_dead) {
  after a{in::forked, in::ready, in::given, in::limit_passed};
  EXPECT_TRUE(a.last.kill);
  EXPECT_FALSE(a.last.time_out);
  auto const end = a.life.step(in::died);
  EXPECT_TRUE(end.time_out);
  EXPECT_FALSE(end.lose);
}

TEST(child_life, a_result_that_overtakes_the_kill_counts_and_the_child_is_not_used_again) {
  after a{in::forked, in::ready, in::given, in::limit_passed, in::result};
  EXPECT_TRUE(a.last.finish);
  EXPECT_FALSE(a.last.offer);
  EXPECT_EQ(a.life.state(), st::doomed);
  auto const end = a.life.step(in::died);
  EXPECT_FALSE(end.time_out);
  EXPECT_FALSE(end.lose);
}

TEST(child_life, a_limit_that_passes_after_the_result_means_nothing) {
  after const a{in::forked, in::ready, in::given, in::result, in::limit_passed};
  EXPECT_FALSE(a.last.kill);
  EXPECT_EQ(a.life.state(), st::idle);
}

TEST(child_life, a_broken_child_is_killed_and_its_job_lost_when_it_is_dead) {
  after a{in::forked, in::ready, in::given, in::broken};
  EXPECT_TRUE(a.last.kill);
  EXPECT_FALSE(a.last.lose);
  EXPECT_TRUE(a.life.step(in::died).lose);
}

TEST(child_life, a_broken_idle_child_takes_no_job) {
  after a{in::forked, in::ready, in::broken};
  EXPECT_EQ(a.life.state(), st::doomed);
  EXPECT_TRUE(a.life.step(in::given).fault);
}

TEST(child_life, a_job_that_dies_of_its_signal_was_terminated_and_not_lost) {
  after a{in::forked, in::ready, in::given, in::signalled};
  auto const end = a.life.step(in::died);
  EXPECT_TRUE(end.end);
  EXPECT_FALSE(end.lose);
}

TEST(child_life, a_result_that_overtakes_the_signal_counts_and_the_child_gets_no_other_job) {
  after const a{in::forked, in::ready, in::given, in::signalled, in::result};
  EXPECT_TRUE(a.last.finish);
  EXPECT_TRUE(a.last.kill);
  EXPECT_FALSE(a.last.offer);
}

TEST(child_life, a_child_deaf_to_the_signal_is_killed_at_the_hard_limit) {
  after a{in::forked, in::ready, in::given, in::signalled, in::limit_passed};
  EXPECT_TRUE(a.last.kill);
  EXPECT_TRUE(a.life.step(in::died).time_out);
}

TEST(child_life, only_a_child_without_job_can_be_retired) {
  EXPECT_TRUE(after({in::forked, in::retired}).last.leave);
  EXPECT_TRUE(after({in::forked, in::ready, in::retired}).last.leave);
  EXPECT_FALSE(after({in::forked, in::ready, in::given, in::retired}).last.leave);
  EXPECT_FALSE(after({in::retired}).last.leave);
  EXPECT_FALSE(after({in::forked, in::ready, in::retired, in::died}).last.lose);
}

TEST(child_life, what_makes_no_sense_is_a_fault) {
  EXPECT_TRUE(after({in::ready}).last.fault);
  EXPECT_TRUE(after({in::forked, in::ready, in::ready}).last.fault);
  EXPECT_TRUE(after({in::forked, in::ready, in::result}).last.fault);
  EXPECT_TRUE(after({in::forked, in::forked}).last.fault);
}

TEST(child_life, a_new_child_in_the_same_place_starts_fruitless) {
  EXPECT_TRUE(after({in::forked, in::ready, in::given, in::result, in::died, in::forked}).life.fruitless());
}

TEST(restart_brake, lets_single_deaths_pass_and_stops_a_series_once_per_pause) {
  restart_brake brake{3, 5s, 1s};
  auto const t = restart_brake::time_point{} + 1h;

  EXPECT_FALSE(brake.fruitless_death(t));
  EXPECT_FALSE(brake.fruitless_death(t + 1ms));
  EXPECT_FALSE(brake.fruitless_death(t + 2ms));
  EXPECT_LE(brake.open_at(), t);
  EXPECT_TRUE(brake.fruitless_death(t + 3ms));
  EXPECT_EQ(brake.open_at(), t + 3ms + 1s);
  EXPECT_FALSE(brake.fruitless_death(t + 4ms));  // said already
}

TEST(restart_brake, forgets_deaths_outside_its_window) {
  restart_brake brake{3, 5s, 1s};
  auto const t = restart_brake::time_point{} + 1h;

  for (int i = 0; i < 100; ++i) EXPECT_FALSE(brake.fruitless_death(t + i * 2s));
}

}  // namespace
}  // namespace lovage::pool
