#include "broker/queue_set.hpp"

#include <gmock/gmock.h>

namespace lovage::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(QueueSet, gives_a_queue_that_comes_back_its_old_place) {
  queue_set s;
  EXPECT_EQ(s.add(queue_name{"a"}), 0U);
  EXPECT_EQ(s.add(queue_name{"b"}), 1U);
  EXPECT_EQ(s.remove(queue_name{"a"}), 0U);
  EXPECT_EQ(s.remove(queue_name{"a"}), std::nullopt);
  EXPECT_THAT(s.served(), ElementsAre(1));
  EXPECT_EQ(s.add(queue_name{"a"}), 0U);
  EXPECT_THAT(s.served(), ElementsAre(0, 1));
}

TEST(QueueSet, serves_what_is_selected_and_all_when_nothing_is) {
  queue_set s;
  s.add(queue_name{"a"}), s.add(queue_name{"b"});
  std::vector<queue_name> const only{queue_name{"b"}, queue_name{"c"}};
  s.select(only);
  EXPECT_THAT(s.served(), ElementsAre(1));
  s.add(queue_name{"c"}), s.add(queue_name{"d"});
  EXPECT_THAT(s.served(), ElementsAre(1, 2));
  s.select({});
  EXPECT_THAT(s.served(), ElementsAre(0, 1, 2, 3));
  s.remove(queue_name{"a"}), s.remove(queue_name{"b"}), s.remove(queue_name{"c"}), s.remove(queue_name{"d"});
  EXPECT_THAT(s.served(), IsEmpty());
}

}  // namespace
}  // namespace lovage::broker
