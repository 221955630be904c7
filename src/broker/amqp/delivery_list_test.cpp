#include "broker/amqp/delivery_list.hpp"

#include <gmock/gmock.h>

#include <string>

namespace lovage::broker::amqp {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> drain(delivery_list<std::string>& from) {
  std::vector<std::string> out;
  while (auto one = from.take()) out.push_back(*std::move(one));
  return out;
}

TEST(AmqpDeliveryList, serves_the_highest_priority_of_any_queue_first) {
  delivery_list<std::string> l{2};
  l.push(0, 0, "a");
  l.push(1, 5, "b");
  l.push(0, 9, "c");
  l.push(1, 9, "d");
  EXPECT_EQ(l.size(), 4U);
  EXPECT_THAT(drain(l), ElementsAre("c", "d", "b", "a"));
  EXPECT_EQ(l.size(), 0U);
}

TEST(AmqpDeliveryList, serves_queues_in_turn_and_each_in_its_order) {
  delivery_list<std::string> l{3};
  for (auto const* s : {"a1", "a2", "a3", "a4"}) l.push(0, 0, s);
  for (auto const* s : {"b1", "b2"}) l.push(1, 0, s);
  l.push(2, 0, "c1");
  EXPECT_THAT(drain(l), ElementsAre("a1", "b1", "c1", "a2", "b2", "a3", "a4"));
}

TEST(AmqpDeliveryList, goes_on_with_the_next_queue_after_a_pause) {
  delivery_list<std::string> l{2};
  l.push(0, 0, "a1");
  EXPECT_EQ(l.take(), "a1");
  l.push(0, 0, "a2");
  l.push(1, 0, "b1");
  EXPECT_THAT(drain(l), ElementsAre("b1", "a2"));
  l.push(1, 3, "x");
  l.clear();
  EXPECT_FALSE(l.take());
}

}  // namespace
}  // namespace lovage::broker::amqp
