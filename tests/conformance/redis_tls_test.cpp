// TLS and Sentinel, against real servers.
#include "certificates.hpp"
#include "redis/client.hpp"
#include "redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage::redis {
namespace {

using namespace std::chrono_literals;
using testing::certificates;
using ::testing::HasSubstr;
using testing::redis_server;

// A refusal is tried again until then: long enough for one handshake under a sanitizer.
constexpr auto refused_within = 1s;

expected<std::string> say(client& to, std::initializer_list<std::string_view> words, deadline until = 10s) {
  auto said = to.run(commands::of(words), repeat::yes, until);
  if (!said) return fail(said.error());
  return said->at(0).text;
}

struct secured {
  std::filesystem::path const place =
      std::filesystem::temp_directory_path() / ("lovage-tls-" + random_uuid().str().substr(0, 8));
  bool const made = std::filesystem::create_directories(place);
  certificates const papers{place};
  int const port = testing::free_port();
  redis_server server{{"--tls-port", std::to_string(port), "--tls-cert-file", papers.file("server.pem"),
                       "--tls-key-file", papers.file("server.key"), "--tls-ca-cert-file", papers.file("ca.pem")}};
  ~secured() { std::filesystem::remove_all(place); }

  [[nodiscard]] std::unique_ptr<client> connect(tls_options how, std::string const& host = "127.0.0.1") const {
    connection_settings with;
    with.urls = "rediss://" + host + ":" + std::to_string(port);
    with.tls = std::move(how);
    return client::make(with).value();
  }
  [[nodiscard]] tls_options good() const {
    return {papers.file("ca.pem"), papers.file("client.pem"), papers.file("client.key"), "", true};
  }
};

TEST(RedisTls, ProvesBothSides) {
  secured s;
  EXPECT_EQ(say(*s.connect(s.good()), {"PING"}).value(), "PONG");
  EXPECT_EQ(say(*s.connect(s.good(), "localhost"), {"PING"}).value(), "PONG");
  std::string const big(3 << 20, 'x');
  EXPECT_TRUE(say(*s.connect(s.good()), {"ECHO", big}).value() == big);
}

TEST(RedisTls, RefusesWhoItDoesNotKnow) {
  secured s;
  auto stranger = s.good();
  stranger.ca_file = s.papers.file("stranger.pem");
  auto const refused = say(*s.connect(stranger), {"PING"}, refused_within);
  EXPECT_EQ(refused.error().code, errc::unavailable);
  EXPECT_THAT(refused.error().text(), HasSubstr("certificate"));
  auto renamed = s.good();
  renamed.server_name = "other.example";
  EXPECT_THAT(say(*s.connect(renamed), {"PING"}, refused_within).error().text(), HasSubstr("mismatch"));
  stranger.verify_peer = false;
  EXPECT_EQ(say(*s.connect(stranger), {"PING"}).value(), "PONG");
}

TEST(RedisTls, FilesThatAreNoCertificatesAreAFaultInTheSettings) {
  secured s;
  for (auto member : {&tls_options::ca_file, &tls_options::certificate, &tls_options::key}) {
    auto with = s.good();
    with.*member = s.papers.file("none.pem");
    auto const refused = say(*s.connect(with), {"PING"}, 60s);
    EXPECT_EQ(refused.error().code, errc::bad_config) << refused.error().text();
    EXPECT_EQ(refused.error().where, s.papers.file("none.pem"));
  }
}

TEST(RedisTls, AClientWithoutCertificateIsRefusedByTheServer) {
  secured s;
  EXPECT_EQ(say(*s.connect({s.papers.file("ca.pem"), "", "", "", true}), {"PING"}, refused_within).error().code,
            errc::unavailable);
}

TEST(RedisTls, APeerThatGoesAwayEndsNoProgram) {
  secured s;
  auto const on = s.connect(s.good());
  auto const own = on->connect(10s).value();
  s.server.kill();
  std::string const big(1 << 20, 'x');
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(own->run(commands::of({"ECHO", big}), 1s)) << "and no SIGPIPE";
  s.server.start();
  EXPECT_EQ(say(*on, {"PING"}).value(), "PONG");
}

TEST(RedisSentinel, LeadsToTheMasterAndToTheNextOne) {
  redis_server first;
  redis_server second{{"--replicaof", "127.0.0.1 " + std::to_string(first.port())}};
  auto const sentinel = redis_server::sentinel_of(first);
  connection_settings with;
  with.urls = "sentinel://127.0.0.1:1;sentinel://127.0.0.1:" + std::to_string(sentinel.port()) + "/0";
  with.options = {{"master_name", "mymaster"}};
  auto const on = client::make(with).value();
  EXPECT_EQ(say(*on, {"SET", "a", "1"}).value(), "OK");
  connection_settings plain;
  plain.urls = second.url();
  auto const replica = client::make(plain).value();
  for (auto const until = deadline::in(20s); say(*replica, {"GET", "a"}).value() != "1";) ASSERT_FALSE(until.passed());
  plain.urls = "redis://127.0.0.1:" + std::to_string(sentinel.port());
  auto const watch = client::make(plain).value();
  auto const knows = [&] { return say(*watch, {"INFO", "sentinel"}).value().find("slaves=1") != std::string::npos; };
  for (auto const until = deadline::in(30s); !knows();) ASSERT_FALSE(until.passed());
  first.kill();
  EXPECT_EQ(say(*on, {"SET", "b", "2"}, 60s).value(), "OK");
  EXPECT_EQ(say(*replica, {"GET", "b"}).value(), "2");
}

TEST(RedisSentinel, ThatKnowsNoSuchMasterSaysSo) {
  redis_server master;
  auto const sentinel = redis_server::sentinel_of(master);
  connection_settings with;
  with.urls = "sentinel://127.0.0.1:" + std::to_string(sentinel.port());
  with.options = {{"master_name", "other"}};
  auto const refused = say(*client::make(with).value(), {"PING"}, refused_within);
  EXPECT_THAT(refused.error().text(), HasSubstr("knows no master 'other'"));
}

}  // namespace
}  // namespace lovage::redis
