#include "broker/amqp/delivery_list.hpp"

#include <gmock/gmock.h>

#include <string>

namespace lovage::broker::amqp {
namespace {

using ::testing::ElementsAre;

struct listed {
  explicit listed(std::size_t queues) {
    for (std::size_t i = 0; i < queues; ++i) list.add_queue(), by.add(1), all.push_back(i);
  }
  std::optional<std::string> take() { return list.take(all, by); }
  std::vector<std::string> drain() {
    std::vector<std::string> out;
    while (auto one = take()) out.push_back(*std::move(one));
    return out;
  }
  delivery_list<std::string> list;
  queue_picker by;
  std::vector<std::size_t> all;
};

TEST(AmqpDeliveryList, serves_the_highest_priority_of_any_queue_first) {
  listed l{2};
  l.list.push(0, 0, "a");
  l.list.push(1, 5, "b");
  l.list.push(0, 9, "c");
  l.list.push(1, 9, "d");
  EXPECT_EQ(l.list.size(), 4U);
  EXPECT_THAT(l.drain(), ElementsAre("c", "d", "b", "a"));
  EXPECT_EQ(l.list.size(), 0U);
}

TEST(AmqpDeliveryList, serves_queues_in_turn_and_each_in_its_order) {
  listed l{3};
  for (auto const* s : {"a1", "a2", "a3", "a4"}) l.list.push(0, 0, s);
  for (auto const* s : {"b1", "b2"}) l.list.push(1, 0, s);
  l.list.push(2, 0, "c1");
  EXPECT_THAT(l.drain(), ElementsAre("a1", "b1", "c1", "a2", "b2", "a3", "a4"));
}

TEST(AmqpDeliveryList, goes_on_with_the_next_queue_after_a_pause) {
  listed l{2};
  l.list.push(0, 0, "a1");
  EXPECT_EQ(l.take(), "a1");
  l.list.push(0, 0, "a2");
  l.list.push(1, 0, "b1");
  EXPECT_THAT(l.drain(), ElementsAre("b1", "a2"));
  l.list.push(1, 3, "x");
  l.list.clear();
  EXPECT_FALSE(l.take());
}

TEST(AmqpDeliveryList, leaves_queues_alone_that_are_not_asked_for) {
  listed l{2};
  l.list.push(0, 0, "a"), l.list.push(1, 9, "b"), l.list.push(0, 4, "c");
  std::vector<std::size_t> const only{0};
  EXPECT_EQ(l.list.take(only, l.by), "c");
  EXPECT_THAT(l.list.take_all(0), ElementsAre("a"));
  EXPECT_THAT(l.drain(), ElementsAre("b"));
}

}  // namespace
}  // namespace lovage::broker::amqp
