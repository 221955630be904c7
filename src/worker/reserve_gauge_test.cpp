#include "worker/reserve_gauge.hpp"

#include <gtest/gtest.h>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;

queue_name const q{"q"};

std::size_t after(std::initializer_list<std::chrono::nanoseconds> runs, std::size_t slots = 2) {
  reserve_gauge g{1000};
  for (auto const r : runs) g.ran(q, r);
  return g.limit(q, slots);
}

TEST(ReserveGauge, holds_one_for_each_slot_before_anything_is_known) { EXPECT_EQ(after({}), 2U); }

TEST(ReserveGauge, holds_a_moments_work_of_short_tasks) {
  EXPECT_EQ(after({1ms, 1ms}), 150U);
  EXPECT_EQ(after({25ms}), 6U);
}

TEST(ReserveGauge, holds_no_more_than_the_slots_can_run_of_long_ones) {
  EXPECT_EQ(after({75ms}), 2U);
  EXPECT_EQ(after({10min}), 2U);
}

TEST(ReserveGauge, keeps_its_bound_but_never_leaves_a_slot_idle) {
  EXPECT_EQ(after({1us}), 1000U);
  EXPECT_EQ(after({1us}, 5000), 5000U);
}

TEST(ReserveGauge, believes_a_long_task_at_once) { EXPECT_EQ(after({1ms, 1ms, 10s}), 2U); }

TEST(ReserveGauge, learns_by_queue) {
  reserve_gauge g{1000};
  g.ran(q, 10s);
  g.ran(queue_name{"short"}, 1ms);
  EXPECT_EQ(g.limit(q, 2), 2U);
  EXPECT_EQ(g.limit(queue_name{"short"}, 2), 150U);
}

}  // namespace
}  // namespace lovage::work
