#include "app/known_queues.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage::detail {
namespace {

using namespace std::chrono_literals;
using broker::queue_spec;
using ::testing::ElementsAre;

queue_spec spec(char const* name, char const* exchange, char const* type, char const* key, value::map arguments = {}) {
  queue_spec out;
  out.name = queue_name{name};
  out.exchange = exchange;
  out.exchange_type = type;
  out.routing_key = key;
  out.arguments = std::move(arguments);
  return out;
}

// What Celery declares for the same settings: tests/golden/topology/queue-variants.json.

TEST(KnownQueues, AreTheDefaultQueueAlone) {
  auto const t = known_queues(config{});
  EXPECT_THAT(t.queues, ElementsAre(spec("celery", "celery", "direct", "celery")));
  EXPECT_EQ(t.find(queue_name{"a"}).value(), spec("a", "a", "direct", "a"));
}

TEST(KnownQueues, NameTheDefaultQueuesExchangeAndKey) {
  EXPECT_THAT(known_queues(config{}.task_default_queue("jobs")).queues,
              ElementsAre(spec("jobs", "jobs", "direct", "jobs")));
  auto const c = config{}
                     .task_default_queue("jobs")
                     .task_default_exchange("work")
                     .task_default_exchange_type("topic")
                     .task_default_routing_key("work.default");
  auto const t = known_queues(c);
  EXPECT_THAT(t.queues, ElementsAre(spec("jobs", "work", "topic", "work.default")));
  EXPECT_EQ(t.find(queue_name{"a"}).value(), spec("a", "a", "direct", "a")) << "made ones keep to themselves";
}

TEST(KnownQueues, CarryTypesAndPriorities) {
  auto const t = known_queues(config{}.task_queue_max_priority(10));
  EXPECT_THAT(t.queues, ElementsAre(spec("celery", "celery", "direct", "celery", {{"x-max-priority", 10}})));
  EXPECT_EQ(t.missing_arguments, (value::map{{"x-max-priority", 10}}));
  auto const q = known_queues(config{}
                                  .task_default_queue_type("quorum")
                                  .task_create_missing_queue_type("quorum")
                                  .task_create_missing_queue_exchange_type("topic")
                                  .task_queue_max_priority(10));
  value::map const quorum{{"x-queue-type", "quorum"}};
  EXPECT_THAT(q.queues, ElementsAre(spec("celery", "celery", "direct", "celery", quorum))) << "which has no priorities";
  EXPECT_EQ(q.find(queue_name{"a"}).value(), spec("a", "a", "topic", "a", quorum));
}

TEST(KnownQueues, AreThoseOfTheSettingWithWhatItLeavesOpen) {
  auto const c = config{}.task_queue_max_priority(4).task_queues({
      "plain",
      task_queue{"news"}.exchange("media").exchange_type("topic").routing_key("news.#"),
      task_queue{"own"}.exchange("own_exchange"),
      task_queue{"first"}.max_priority(9),
      task_queue{"kept"}.argument("x-queue-type", "quorum"),
  });
  EXPECT_THAT(known_queues(c).queues,
              ElementsAre(spec("plain", "celery", "direct", "plain", {{"x-max-priority", 4}}),
                          spec("news", "media", "topic", "news.#", {{"x-max-priority", 4}}),
                          spec("own", "own_exchange", "direct", "own", {{"x-max-priority", 4}}),
                          spec("first", "celery", "direct", "first", {{"x-max-priority", 9}}),
                          spec("kept", "celery", "direct", "kept", {{"x-queue-type", "quorum"}})));
}

TEST(KnownQueues, WriteOptionsAsRabbitmqsArguments) {
  auto const q = task_queue{"lazy"}
                     .exchange("ex")
                     .exchange_type("topic")
                     .routing_key("r.#")
                     .argument("x-queue-mode", "lazy")
                     .expires(60s)
                     .message_ttl(5s)
                     .max_length(100)
                     .max_length_bytes(1000)
                     .max_priority(5);
  EXPECT_THAT(known_queues(config{}.task_queues({q})).queues, ElementsAre(spec("lazy", "ex", "topic", "r.#",
                                                                               {{"x-queue-mode", "lazy"},
                                                                                {"x-expires", 60'000},
                                                                                {"x-message-ttl", 5'000},
                                                                                {"x-max-length", 100},
                                                                                {"x-max-length-bytes", 1'000},
                                                                                {"x-max-priority", 5}})));
}

TEST(KnownQueues, GiveBroadcastsAFanoutExchangeOfTheirName) {
  auto want = spec("all", "all", "fanout", "celery");
  want.broadcast = want.auto_delete = true;
  EXPECT_THAT(known_queues(config{}.task_queues({task_queue{"all"}.broadcast()})).queues, ElementsAre(want));
}

TEST(KnownQueues, EndWithTheirOnlyConnectionWhenExclusive) {
  auto want = spec("mine", "celery", "direct", "mine");
  want.exclusive = want.auto_delete = true;
  want.durable = false;
  EXPECT_THAT(known_queues(config{}.task_queues({task_queue{"mine"}.exclusive().durable(false)})).queues,
              ElementsAre(want));
}

}  // namespace
}  // namespace lovage::detail
