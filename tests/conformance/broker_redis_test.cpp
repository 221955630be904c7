// The suite that every broker passes, for Redis.
#include "broker_conformance.hpp"
#include "broker_redis_fixture.hpp"

namespace lovage::broker {
namespace {

/// One server for all tests of the suite.
testing::redis_server& common_server() {
  static testing::redis_server server;
  return server;
}

INSTANTIATE_TEST_SUITE_P(Redis, BrokerConformance,
                         ::testing::Values(conformance_driver{
                             "redis",
                             [](settings with) {
                               (void)ask(common_server().url(), {"FLUSHALL"});
                               with.connection.urls = common_server().url();
                               return make_redis_transport(std::move(with), 20s).value();
                             },
                             50ms}));

}  // namespace
}  // namespace lovage::broker
