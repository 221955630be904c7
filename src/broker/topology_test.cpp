#include "broker/topology.hpp"

#include <gmock/gmock.h>

namespace lovage::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

queue_spec spec(char const* name, char const* exchange, char const* type, char const* key) {
  queue_spec q;
  q.name = queue_name{name};
  q.exchange = exchange;
  q.exchange_type = type;
  q.routing_key = key;
  return q;
}

TEST(Topology, matches_topics_word_by_word) {
  EXPECT_TRUE(topic_matches("a.b", "a.b"));
  EXPECT_TRUE(topic_matches("a.*", "a.b"));
  EXPECT_FALSE(topic_matches("a.*", "a"));
  EXPECT_FALSE(topic_matches("a.*", "a.b.c"));
  EXPECT_TRUE(topic_matches("a.#", "a"));
  EXPECT_TRUE(topic_matches("a.#", "a.b.c"));
  EXPECT_TRUE(topic_matches("#", ""));
  EXPECT_TRUE(topic_matches("#.celery", "0.1.0.celery"));
  EXPECT_TRUE(topic_matches("#.b.#", "a.b.c"));
  EXPECT_FALSE(topic_matches("#.b.*", "a.b"));
  EXPECT_FALSE(topic_matches("a", "ab"));
}

TEST(Topology, makes_a_missing_queue_as_celery_does) {
  topology t;
  t.missing_arguments = value::map{{"x-max-priority", 10}};
  auto const q = t.find(queue_name{"high"}).value();
  EXPECT_EQ(q.exchange, "high");
  EXPECT_EQ(q.routing_key, "high");
  EXPECT_EQ(q.exchange_type, "direct");
  EXPECT_TRUE(q.durable);
  EXPECT_EQ(q.arguments, t.missing_arguments);
}

TEST(Topology, refuses_a_missing_queue_when_told_so_and_names_the_known_ones) {
  topology t;
  t.create_missing = false;
  t.queues = {spec("a", "a", "direct", "a"), spec("b", "b", "direct", "b")};
  EXPECT_TRUE(t.find(queue_name{"a"}));
  auto const none = t.find(queue_name{"c"});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, errc::bad_config);
  EXPECT_THAT(none.error().text(), HasSubstr("(a, b)"));
}

TEST(Topology, knows_whom_an_exchange_reaches) {
  topology t;
  t.queues = {spec("news", "media", "topic", "news.#"), spec("sport", "media", "topic", "*.sport"),
              spec("all", "loud", "fanout", ""), spec("one", "one", "direct", "k")};
  EXPECT_THAT(t.reached_by("media", "news.sport"), ElementsAre(queue_name{"news"}, queue_name{"sport"}));
  EXPECT_THAT(t.reached_by("media", "weather"), IsEmpty());
  EXPECT_THAT(t.reached_by("loud", "whatever"), ElementsAre(queue_name{"all"}));
  EXPECT_THAT(t.reached_by("one", "k"), ElementsAre(queue_name{"one"}));
  EXPECT_THAT(t.reached_by("one", "x"), IsEmpty());
}

}  // namespace
}  // namespace lovage::broker
