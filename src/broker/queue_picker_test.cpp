#include "broker/queue_picker.hpp"

#include <gmock/gmock.h>

namespace lovage::broker {
namespace {

using ::testing::ElementsAre;

queue_picker picker(queue_order how, std::vector<int> const& weights) {
  queue_picker p{how};
  for (auto const w : weights) p.add(w);
  return p;
}

std::vector<std::size_t> picks(queue_picker& p, std::vector<queue_picker::candidate> const& from, int times) {
  std::vector<std::size_t> out;
  for (int i = 0; i < times; ++i) out.push_back(from[p.pick(from)].queue);
  return out;
}

TEST(QueuePicker, takes_equal_queues_in_turn) {
  auto p = picker(queue_order::fair, {1, 1, 1});
  EXPECT_THAT(picks(p, {{0, 3}, {1, 3}, {2, 3}}, 4), ElementsAre(0, 1, 2, 0));
  EXPECT_THAT(picks(p, {{0, 3}, {2, 3}}, 3), ElementsAre(2, 0, 2));
}

TEST(QueuePicker, prefers_a_higher_priority_whatever_its_queue) {
  auto p = picker(queue_order::fair, {1, 1});
  EXPECT_THAT(picks(p, {{0, 0}, {1, 9}}, 3), ElementsAre(1, 1, 1));
}

TEST(QueuePicker, serves_the_first_queue_to_its_end_when_strict) {
  auto p = picker(queue_order::strict, {1, 1});
  EXPECT_THAT(picks(p, {{0, 0}, {1, 9}}, 3), ElementsAre(0, 0, 0));
  EXPECT_THAT(picks(p, {{1, 0}}, 2), ElementsAre(1, 1));
}

TEST(QueuePicker, spreads_the_turns_of_a_heavy_queue) {
  auto p = picker(queue_order::weighted, {3, 1});
  EXPECT_THAT(picks(p, {{0, 0}, {1, 9}}, 8), ElementsAre(0, 0, 1, 0, 0, 0, 1, 0));
}

TEST(QueuePicker, lets_a_light_queue_have_all_while_the_heavy_one_is_empty) {
  auto p = picker(queue_order::weighted, {10, 1});
  EXPECT_THAT(picks(p, {{1, 0}}, 3), ElementsAre(1, 1, 1));
  EXPECT_THAT(picks(p, {{0, 0}, {1, 0}}, 2), ElementsAre(0, 0));
}

}  // namespace
}  // namespace lovage::broker
