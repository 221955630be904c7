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

}  // namespace
}  // namespace lovage::broker
