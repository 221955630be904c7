#include "broker/amqp/endpoint.hpp"

#include <gmock/gmock.h>

namespace lovage::broker::amqp {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

expected<endpoints> read(std::string urls) {
  connection_settings with;
  with.urls = std::move(urls);
  return endpoints_of(with);
}

endpoint one(std::string url) { return read(std::move(url)).value().all.at(0); }

TEST(AmqpEndpoint, is_guest_at_localhost_unless_told_otherwise) {
  auto const e = one("amqp://");
  EXPECT_EQ(e.host, "localhost");
  EXPECT_EQ(e.port, 5672);
  EXPECT_EQ(e.user, "guest");
  EXPECT_EQ(e.password, "guest");
  EXPECT_EQ(e.vhost, "/");
  EXPECT_FALSE(e.tls);
}

TEST(AmqpEndpoint, reads_virtual_hosts_as_kombu_does) {
  EXPECT_EQ(one("amqp://h").vhost, "/");
  EXPECT_EQ(one("amqp://h/").vhost, "/");
  EXPECT_EQ(one("amqp://h//").vhost, "/");
  EXPECT_EQ(one("amqp://h/%2F").vhost, "/");
  EXPECT_EQ(one("amqp://h/shop").vhost, "shop");
  EXPECT_EQ(one("amqp://h//shop").vhost, "/shop");
  EXPECT_EQ(one("amqp://h/a%20b").vhost, "a b");
}

TEST(AmqpEndpoint, reads_user_password_and_port) {
  auto const e = one("pyamqp://me:p%40ss@mq.example:5673/v");
  EXPECT_EQ(e.user, "me");
  EXPECT_EQ(e.password, "p@ss");
  EXPECT_EQ(e.host, "mq.example");
  EXPECT_EQ(e.port, 5673);
  EXPECT_THAT(e.text(), Not(HasSubstr("p@ss")));
  EXPECT_EQ(one("amqp://me@h").password, "");
}

TEST(AmqpEndpoint, verifies_the_peer_over_tls_unless_told_otherwise) {
  auto const e = one("amqps://h");
  ASSERT_TRUE(e.tls);
  EXPECT_EQ(e.port, 5671);
  EXPECT_TRUE(e.tls->verify_peer);
  EXPECT_FALSE(one("amqps://h?ssl_cert_reqs=CERT_NONE").tls->verify_peer);
  EXPECT_FALSE(one("amqps://h?verify=verify_none").tls->verify_peer);
  auto const files = *one("amqps://h?cacertfile=/ca&certfile=/c&keyfile=/k&server_name_indication=n").tls;
  EXPECT_EQ(files.ca_file, "/ca");
  EXPECT_EQ(files.certificate, "/c");
  EXPECT_EQ(files.key, "/k");
  EXPECT_EQ(files.server_name, "n");
}

TEST(AmqpEndpoint, takes_tls_from_the_settings_and_lets_the_address_differ) {
  connection_settings with;
  with.urls = "amqps://h?ssl_ca_certs=/mine";
  with.tls.emplace();
  with.tls->ca_file = "/theirs";
  with.tls->certificate = "/c";
  auto const e = endpoints_of(with).value().all.at(0);
  EXPECT_EQ(e.tls->ca_file, "/mine");
  EXPECT_EQ(e.tls->certificate, "/c");
}

TEST(AmqpEndpoint, reads_a_failover_list_and_times) {
  auto const e = read("amqp://a;amqp://b:1?heartbeat=5&connection_timeout=1500;pyamqps://c").value();
  ASSERT_EQ(e.all.size(), 3U);
  EXPECT_EQ(e.all[1].host, "b");
  EXPECT_TRUE(e.all[2].tls);
  EXPECT_EQ(e.heartbeat, 5s);
  EXPECT_EQ(e.connect_timeout, 1500ms);
}

TEST(AmqpEndpoint, refuses_what_cannot_be_right) {
  for (auto const* bad : {"amqps://h?verify=maybe", "amqp://h?heartbeat=often", "amqp://h?cacertfile=/ca",
                          "amqp://a;redis://b", "amqp://h?auth_mechanism=magic"}) {
    auto const e = read(bad);
    ASSERT_FALSE(e) << bad;
    EXPECT_EQ(e.error().code, errc::bad_config) << bad;
  }
  EXPECT_TRUE(one("amqps://h?auth_mechanism=external").external_login);
}

}  // namespace
}  // namespace lovage::broker::amqp
