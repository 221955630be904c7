#include "broker/amqp/ladder.hpp"

#include "broker/topology.hpp"

#include <gtest/gtest.h>

namespace lovage::broker::amqp {
namespace {

using namespace std::chrono_literals;

TEST(AmqpLadder, names_levels_and_bindings_as_celery_does) {
  EXPECT_EQ(ladder::level_name(27), "celery_delayed_27");
  EXPECT_EQ(ladder::level_key(27, '1'), "1.#");
  EXPECT_EQ(ladder::level_key(25, '1'), "*.*.1.#");
  EXPECT_EQ(ladder::level_key(26, '0'), "*.0.#");
  EXPECT_EQ(ladder::level_key(0, '0').size(), 27U * 2 + 3);
}

TEST(AmqpLadder, writes_the_delay_in_28_binary_digits) {
  auto const key = ladder::key_for(queue_name{"celery"}, 5s).value();
  EXPECT_EQ(key, "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.1.celery.lovage");
  EXPECT_EQ(ladder::key_for(queue_name{"q"}, 1'000'000'000s), ladder::key_for(queue_name{"q"}, ladder::longest));
  EXPECT_TRUE(ladder::key_for(queue_name{"q"}, ladder::longest)->starts_with("1.1.1.1."));
}

TEST(AmqpLadder, passes_each_level_that_its_digit_names) {
  auto const key = ladder::key_for(queue_name{"celery"}, 5s).value();
  for (int level = 0; level < ladder::levels; ++level) {
    bool const waits = level == 0 || level == 2;
    EXPECT_EQ(topic_matches(ladder::level_key(level, '1'), key), waits) << level;
    EXPECT_EQ(topic_matches(ladder::level_key(level, '0'), key), !waits) << level;
  }
}

TEST(AmqpLadder, reaches_its_queue_and_no_other) {
  auto const key = ladder::key_for(queue_name{"shop.high"}, 3s).value();
  EXPECT_TRUE(topic_matches(ladder::binding_of(queue_name{"shop.high"}), key));
  EXPECT_FALSE(topic_matches(ladder::binding_of(queue_name{"high"}), key));
  EXPECT_FALSE(topic_matches("#.high", key));  // as Celery binds the queue "high"
  EXPECT_FALSE(topic_matches("#.shop.high", key));
}

TEST(AmqpLadder, knows_which_names_no_key_can_carry) {
  EXPECT_FALSE(ladder::key_for(queue_name{std::string(193, 'q')}, 1s));
  EXPECT_TRUE(ladder::key_for(queue_name{std::string(192, 'q')}, 1s));
  EXPECT_FALSE(ladder::key_for(queue_name{"a.*"}, 1s));
  EXPECT_FALSE(ladder::key_for(queue_name{"#"}, 1s));
  EXPECT_TRUE(ladder::key_for(queue_name{"a*"}, 1s));
}

TEST(AmqpLadder, cuts_the_fraction_of_a_second_off) {
  time_point const now{};
  EXPECT_EQ(ladder::whole_seconds(now + 2999ms, now), 2s);
  EXPECT_EQ(ladder::whole_seconds(now + 999ms, now), 0s);
  EXPECT_EQ(ladder::whole_seconds(now - 1ms, now), -1s);
}

}  // namespace
}  // namespace lovage::broker::amqp
