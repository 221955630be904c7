#include "app/driver_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage::detail {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST(DriverSettings, OfABrokerHaveTheDocumentedDefaults) {
  auto const s = broker_settings(config{}.broker_url("amqp://h"), system_now);
  EXPECT_EQ(s.connection.urls, "amqp://h");
  EXPECT_FALSE(s.connection.tls);
  EXPECT_EQ(s.connection.strategy, failover::round_robin);
  EXPECT_EQ(s.connection.connect_timeout, 4s);
  EXPECT_EQ(s.connection.heartbeat, 10s);
  EXPECT_TRUE(s.connection.options.empty());
  EXPECT_EQ(s.delay_queue_type, "quorum");
  ASSERT_EQ(s.queues.queues.size(), 1U);
  EXPECT_EQ(s.queues.queues[0].name, queue_name{"celery"});
}

TEST(DriverSettings, OfABrokerAreWhatWasSet) {
  auto const c =
      config{}
          .broker_url("amqp://a;amqp://b")
          .broker_use_ssl(tls{}.ca_certs("/ca").certfile("/c").keyfile("/k").server_hostname("n").verify(false))
          .broker_failover_strategy("shuffle")
          .broker_connection_timeout(2s)
          .broker_heartbeat(0s)
          .broker_transport_options({{"visibility_timeout", 60}})
          .broker_native_delayed_delivery_queue_type("classic")
          .task_queues({"high"})
          .task_create_missing_queues(false);
  auto const s = broker_settings(c, system_now);
  ASSERT_TRUE(s.connection.tls);
  EXPECT_EQ(s.connection.tls->ca_file, "/ca");
  EXPECT_EQ(s.connection.tls->certificate, "/c");
  EXPECT_EQ(s.connection.tls->key, "/k");
  EXPECT_EQ(s.connection.tls->server_name, "n");
  EXPECT_FALSE(s.connection.tls->verify_peer);
  EXPECT_EQ(s.connection.strategy, failover::shuffle);
  EXPECT_EQ(s.connection.connect_timeout, 2s);
  EXPECT_EQ(s.connection.heartbeat, 0s);
  EXPECT_EQ(s.connection.options, (value::map{{"visibility_timeout", 60}}));
  EXPECT_EQ(s.delay_queue_type, "classic");
  EXPECT_EQ(s.queues.queues[0].name, queue_name{"high"});
  EXPECT_FALSE(s.queues.create_missing);
}

TEST(DriverSettings, OfABackendAreItsOwnAndNotTheBrokers) {
  auto const c = config{}
                     .broker_url("amqp://h")
                     .broker_use_ssl(true)
                     .broker_transport_options({{"a", 1}})
                     .broker_connection_timeout(3s)
                     .result_backend("redis://r")
                     .result_backend_transport_options({{"global_keyprefix", "shop:"}})
                     .result_persistent(true)
                     .result_serializer("yaml")
                     .accept_content({"json", "yaml"})
                     .result_expires(1h);
  auto const s = backend_settings(c, system_now);
  EXPECT_EQ(s.connection.urls, "redis://r");
  EXPECT_FALSE(s.connection.tls);
  EXPECT_EQ(s.connection.connect_timeout, 3s);
  EXPECT_EQ(s.connection.heartbeat, 10s);
  EXPECT_EQ(s.connection.options, (value::map{{"global_keyprefix", "shop:"}}));
  EXPECT_TRUE(s.persistent);
  EXPECT_EQ(s.serializer, "yaml");
  EXPECT_THAT(s.accept_content, ElementsAre("json", "yaml"));
  EXPECT_EQ(s.expires, 1h);
}

TEST(DriverSettings, OfARedisBackendFollowItsSocketOptions) {
  auto const c = config{}.redis_socket_timeout(30s).redis_socket_connect_timeout(1s).redis_backend_use_ssl(true);
  auto const s = backend_settings(c, system_now);
  EXPECT_EQ(s.connection.heartbeat, 30s);
  EXPECT_EQ(s.connection.connect_timeout, 1s);
  ASSERT_TRUE(s.connection.tls);
  EXPECT_TRUE(s.connection.tls->verify_peer);
}

}  // namespace
}  // namespace lovage::detail
