// The ways to a server: TLS, a socket in the file system.
#include "broker_redis_fixture.hpp"
#include "certificates.hpp"

#include <gmock/gmock.h>

namespace lovage::broker {
namespace {

using ::testing::HasSubstr;

class RedisPlaces : public RedisBroker {
 protected:
  /// A sleeper is woken, so both connections of a consumer work.
  void expect_to_work() const {
    auto const from = consume();
    std::thread sender{[&] { send({message("a"), message(std::string(1 << 20, 'x'))}); }};
    auto const got = take(*from, 2);
    sender.join();
    ASSERT_EQ(got.size(), 2U);
    EXPECT_EQ(got[0].envelope.body, "a");
    EXPECT_EQ(got[1].envelope.body.size(), 1U << 20);
    settle(*from, got);
    EXPECT_TRUE(from->consuming());
  }
};

TEST_F(RedisPlaces, MayBeASocketInTheFileSystem) {
  open(at("redis+socket://" + server_.socket_path() + "?virtual_host=3"));
  expect_to_work();
  EXPECT_TRUE(keys(3).contains("lovage.queues"));
}

TEST_F(RedisPlaces, AreReachedOverTlsByWhoProvesIt) {
  auto const place = server_.directory() / "papers";
  std::filesystem::create_directories(place);
  testing::certificates const papers{place};
  auto const port = std::to_string(testing::free_port());
  testing::redis_server const secured{{"--tls-port", port, "--tls-cert-file", papers.file("server.pem"),
                                       "--tls-key-file", papers.file("server.key"), "--tls-ca-cert-file",
                                       papers.file("ca.pem")}};
  auto with = at("rediss://localhost:" + port + "/0");
  with.connection.tls =
      tls_options{papers.file("ca.pem"), papers.file("client.pem"), papers.file("client.key"), "", true};
  open(with);
  expect_to_work();
  with.connection.tls->ca_file = papers.file("stranger.pem");
  auto const refused = make_redis_transport(with, 300ms);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text(), HasSubstr("certificate"));
}

}  // namespace
}  // namespace lovage::broker
