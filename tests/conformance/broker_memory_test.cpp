#include "broker/memory/memory_transport.hpp"
#include "broker_conformance.hpp"
#include "core/ids.hpp"

namespace lovage::broker {
namespace {

using namespace std::chrono_literals;

INSTANTIATE_TEST_SUITE_P(Memory, BrokerConformance,
                         ::testing::Values(conformance_driver{
                             "memory", [](settings with) {
                               with.connection.urls = "memory://" + random_uuid().str();
                               return make_memory_transport(std::move(with), 5s).value();
                             }}));

TEST(MemoryBroker, is_shared_by_name_within_the_process) {
  auto const one = make_memory_transport(at("memory://shared"), 5s).value();
  auto const two = make_memory_transport(at("memory://shared"), 5s).value();
  auto const other = make_memory_transport(at("memory://other"), 5s).value();
  outgoing m;
  m.queue = queue_name{"q"};
  ASSERT_TRUE(one->make_producer(1s).value()->publish(std::vector{m}, 1s));
  consumer_options const with{{m.queue}, "test"};
  EXPECT_TRUE(other->make_consumer(with, 1s).value()->claim(1, 1ms).value().empty());
  EXPECT_EQ(two->make_consumer(with, 1s).value()->claim(1, 1s).value().size(), 1U);
}

TEST(MemoryBroker, holds_the_newest_messages_of_an_inbox_that_nobody_empties) {
  auto const on = make_memory_transport(at("memory://" + random_uuid().str()), 5s).value();
  queue_spec replies;
  replies.name = queue_name{"replies"};
  auto const box = on->make_inbox(replies, 1s).value();
  auto const sends = on->make_producer(1s).value();
  for (std::size_t i = 0; i < inbox_holds + 2; ++i) {
    outgoing m;
    m.queue = replies.name;
    m.envelope.body = std::to_string(i);
    ASSERT_TRUE(sends->publish(std::vector{m}, 1s));
  }
  auto const got = box->take(1s).value();
  ASSERT_EQ(got.size(), inbox_holds);
  EXPECT_EQ(got.front().body, "2");
}

}  // namespace
}  // namespace lovage::broker
