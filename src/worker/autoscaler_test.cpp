#include "worker/autoscaler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;
using moment = autoscaler::time_point;

moment at(std::chrono::milliseconds t) { return moment{} + 1h + t; }

pool_load holding(std::size_t demand, std::size_t size, bool more = false) {
  pool_load l;
  l.size = size;
  l.demand = demand;
  l.more = more;
  return l;
}

TEST(autoscaler, grows_at_once_to_the_tasks_at_hand_within_its_limit) {
  autoscaler a{{10, 2}};
  EXPECT_EQ(a.step(holding(2, 2), at(0s)), 2U);
  EXPECT_EQ(a.step(holding(7, 2), at(1s)), 7U);
  EXPECT_EQ(a.step(holding(70, 7), at(2s)), 10U);
}

TEST(autoscaler, grows_in_steps_while_it_holds_all_it_may) {
  autoscaler a{{20, 1}};
  std::size_t size = 1;
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 8; ++i) sizes.push_back(size = a.step(holding(size, size, true), at(i * 1s)));
  EXPECT_EQ(sizes, (std::vector<std::size_t>{2, 3, 4, 6, 9, 13, 19, 20}));
}

TEST(autoscaler, shrinks_after_half_a_minute_to_what_was_needed_meanwhile) {
  autoscaler a{{10, 1}};
  EXPECT_EQ(a.step(holding(8, 1), at(0s)), 8U);
  EXPECT_EQ(a.step(holding(3, 8), at(1s)), 8U);
  EXPECT_EQ(a.step(holding(0, 8), at(29s)), 8U);
  EXPECT_EQ(a.step(holding(0, 8), at(30s)), 3U);
  EXPECT_EQ(a.step(holding(0, 3), at(59s)), 3U);
  EXPECT_EQ(a.step(holding(0, 3), at(60s)), 1U);
}

TEST(autoscaler, does_not_shrink_when_the_slots_are_needed_now_and_then) {
  autoscaler a{{10, 1}};
  EXPECT_EQ(a.step(holding(8, 1), at(0s)), 8U);
  for (int i = 1; i < 300; ++i) EXPECT_EQ(a.step(holding(i % 20 == 0 ? 8 : 0, 8), at(i * 1s)), 8U);
}

TEST(autoscaler, new_limits_take_effect_at_the_next_step) {
  autoscaler a{{10, 1}};
  a.set_limits(4, 2);
  EXPECT_EQ(a.limits().max, 4U);
  EXPECT_EQ(a.limits().min, 2U);
  EXPECT_EQ(a.step(holding(0, 10), at(0s)), 4U);
  EXPECT_EQ(a.step(holding(0, 1), at(1s)), 2U);
}

TEST(autoscaler, nonsense_in_limits_is_made_good) {
  autoscaler a{{0, 7}};
  EXPECT_EQ(a.limits().max, 1U);
  EXPECT_EQ(a.limits().min, 1U);
}

/// A backlog without end, tasks that wait and compute, a machine, and something outside that may be the bottleneck.
struct simulation {
  double wait_s, cpu_s, cores, outside_per_s = 1e9;
  double done = 0, used = 0;
  [[nodiscard]] double rate(double size) const {
    return std::min({size / (wait_s + cpu_s), cores / cpu_s, outside_per_s});
  }
  std::size_t run(autoscaler& a, std::size_t size, int seconds) {
    for (int i = 0; i < seconds; ++i) {
      pool_load l = holding(4 * size, size, true);
      l.cores = cores;
      l.done = static_cast<std::uint64_t>(done);
      l.cpu_s = used;
      size = a.step(l, at(i * 1s));
      done += rate(static_cast<double>(size));
      used += rate(static_cast<double>(size)) * cpu_s;
    }
    return size;
  }
};

TEST(autoscaler, by_load_finds_a_slot_a_core_for_tasks_that_only_compute) {
  autoscaler a{{200, 1}, autoscale_mode::by_load};
  auto const size = simulation{.wait_s = 0, .cpu_s = 0.05, .cores = 4}.run(a, 1, 60);
  EXPECT_GE(size, 4U);
  EXPECT_LE(size, 6U);
}

TEST(autoscaler, by_load_finds_many_slots_for_tasks_that_mostly_wait) {
  autoscaler a{{200, 1}, autoscale_mode::by_load};
  auto const size = simulation{.wait_s = 0.95, .cpu_s = 0.05, .cores = 4}.run(a, 4, 60);
  EXPECT_GE(size, 70U);
  EXPECT_LE(size, 100U);
}

TEST(autoscaler, by_load_stays_where_more_slots_bring_no_more_throughput) {
  autoscaler a{{200, 1}, autoscale_mode::by_load};
  auto const size = simulation{.wait_s = 0.5, .cpu_s = 0.01, .cores = 8, .outside_per_s = 20}.run(a, 1, 50);
  EXPECT_GE(size, 10U);  // 20 a second need ten
  EXPECT_LE(size, 20U);
}

TEST(autoscaler, by_load_is_bounded_by_its_limit) {
  autoscaler a{{16, 1}, autoscale_mode::by_load};
  EXPECT_EQ((simulation{.wait_s = 10, .cpu_s = 0.001, .cores = 8}.run(a, 1, 120)), 16U);
}

TEST(autoscaler, by_load_does_not_grow_without_backlog) {
  autoscaler a{{16, 1}, autoscale_mode::by_load};
  for (int i = 0; i < 20; ++i) EXPECT_EQ(a.step(holding(2, 4), at(i * 1s)), 4U);
}

}  // namespace
}  // namespace lovage::work
