// What the Redis broker does beyond the plug point.
#include "broker/redis/redis_transport.hpp"
#include "broker_conformance.hpp"
#include "redis/client.hpp"
#include "redis_server.hpp"

#include <gmock/gmock.h>

namespace lovage::broker {
namespace {

using namespace std::chrono_literals;
using testing::redis_server;

/// One server for all tests of the suite.
redis_server& common_server() {
  static redis_server server;
  return server;
}

lovage::redis::reply ask(redis_server const& server, std::vector<std::string_view> const& words, int database = 0) {
  connection_settings with;
  with.urls = server.url(database);
  auto const client = lovage::redis::client::make(with).value();
  lovage::redis::commands c;
  c.add(words);
  return client->run(c, lovage::redis::repeat::no, 20s).value().front();
}

INSTANTIATE_TEST_SUITE_P(Redis, BrokerConformance,
                         ::testing::Values(conformance_driver{
                             "redis",
                             [](settings with) {
                               ask(common_server(), {"FLUSHALL"});
                               with.connection.urls = common_server().url();
                               return make_redis_transport(std::move(with), 20s).value();
                             },
                             50ms}));

}  // namespace
}  // namespace lovage::broker
