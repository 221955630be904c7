#include "health/server.hpp"

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <future>
#include <list>

namespace lovage::health {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

class client {
 public:
  explicit client(std::uint16_t port) : socket_{loop_} { socket_.connect({asio::ip::make_address("127.0.0.1"), port}); }
  void send(std::string const& text) {
    boost::system::error_code ignored;
    asio::write(socket_, asio::buffer(text), ignored);
  }
  /// Everything until the server closes.
  std::string rest() {
    std::string out;
    boost::system::error_code end;
    asio::read(socket_, asio::dynamic_buffer(out), end);
    return out;
  }

 private:
  asio::io_context loop_;
  tcp::socket socket_;
};

class HealthServer : public testing::Test {
 protected:
  std::uint16_t start(bounds limits = {}) {
    checks what{[this] {
                  return answer{alive, R"({"loop": 1})"};
                },
                [this] {
                  return answer{ready, R"({"ready": 1})"};
                }};
    if (!page.empty()) what.metrics = [this] { return page; };
    server_ = *server::listen("127.0.0.1", 0, std::move(what), limits);
    server_->start();
    return server_->port();
  }
  std::string ask(std::string const& line) {
    client c{server_->port()};
    c.send(line + " HTTP/1.1\r\nHost: x\r\n\r\n");
    return c.rest();
  }

  std::atomic<bool> alive{true}, ready{true};
  std::string page;
  std::unique_ptr<server> server_;
};

TEST_F(HealthServer, HasAPageForPrometheusWhereThereIsOne) {
  start();
  EXPECT_TRUE(ask("GET /metrics").starts_with("HTTP/1.1 404"));
  page = "x_total 1\n";
  start();
  auto const said = ask("GET /metrics?name=x");
  EXPECT_TRUE(said.starts_with("HTTP/1.1 200")) << said;
  EXPECT_NE(said.find("Content-Type: text/plain; version=0.0.4"), std::string::npos) << said;
  EXPECT_TRUE(said.ends_with("\r\n\r\nx_total 1\n")) << said;
}

TEST_F(HealthServer, AnswersLivenessAndReadinessApart) {
  start();
  ready = false;
  auto const health = ask("GET /healthz");
  EXPECT_TRUE(health.starts_with("HTTP/1.1 200 OK\r\n")) << health;
  EXPECT_TRUE(health.ends_with("\r\n\r\n{\"loop\": 1}")) << health;
  EXPECT_NE(health.find("Content-Type: application/json"), health.npos);
  EXPECT_NE(health.find("Connection: close"), health.npos);
  EXPECT_TRUE(ask("GET /readyz?verbose=1").starts_with("HTTP/1.1 503 "));
  alive = false;
  EXPECT_TRUE(ask("GET /healthz").starts_with("HTTP/1.1 503 "));
}

TEST_F(HealthServer, HeadHasTheLengthAndNoBody) {
  start();
  auto const head = ask("HEAD /readyz");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n")) << head;
  EXPECT_NE(head.find("Content-Length: 12\r\n"), head.npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST_F(HealthServer, AnythingElseIsRefused) {
  start();
  EXPECT_TRUE(ask("GET /").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(ask("GET /healthz/../secret").starts_with("HTTP/1.1 404 "));
  auto const post = ask("POST /healthz");
  EXPECT_TRUE(post.starts_with("HTTP/1.1 405 "));
  EXPECT_NE(post.find("Allow: GET, HEAD"), post.npos);
  client nonsense{server_->port()};
  nonsense.send(std::string{"\x16\x03\x01 tls hello\r\n\r\n"});
  EXPECT_TRUE(nonsense.rest().starts_with("HTTP/1.1 400 "));
}

TEST_F(HealthServer, AHeadWithoutEndIsCutOff) {
  start();
  client c{server_->port()};
  c.send("GET /healthz HTTP/1.1\r\nX: " + std::string(100'000, 'x'));
  auto const said = c.rest();  // nothing, when the reset overtakes the refusal
  EXPECT_TRUE(said.empty() || said.starts_with("HTTP/1.1 400 ")) << said;
}

TEST_F(HealthServer, ASilentClientIsDroppedInTime) {
  start({20ms, 32, 4096});
  client c{server_->port()};
  EXPECT_EQ(c.rest(), "");
}

TEST_F(HealthServer, ACrowdThatHangsDoesNotKeepAProbeWaiting) {
  start({1h, 4, 4096});
  std::list<client> crowd;
  for (int i = 0; i < 50; ++i) crowd.emplace_back(server_->port());
  EXPECT_TRUE(ask("GET /healthz").starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(crowd.front().rest(), "");
}

TEST_F(HealthServer, ACheckThatThrowsIsAnErrorNotAnEnd) {
  auto s = *server::listen("127.0.0.1", 0, {[]() -> answer { throw std::runtime_error{"x"}; }, {}});
  s->start();
  for (int i = 0; i < 2; ++i) {
    client c{s->port()};
    c.send("GET /healthz HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(c.rest().starts_with("HTTP/1.1 500 "));
  }
}

TEST_F(HealthServer, StopMayComeFirstAndTwiceAndWithClientsConnected) {
  auto s = *server::listen("127.0.0.1", 0, {});
  s->stop();
  s->start();
  s->stop();
  auto const port = start();
  client c{port};
  server_->stop();
  server_->stop();
}

TEST_F(HealthServer, APortInUseAndABadHostAreErrorsInOneSentence) {
  auto const port = start();
  auto const taken = server::listen("127.0.0.1", port, {});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, errc::unavailable);
  EXPECT_NE(taken.error().text().find(std::to_string(port)), std::string::npos);
  EXPECT_EQ(server::listen("nowhere", 0, {}).error().code, errc::invalid_argument);
  EXPECT_EQ(server_->url(), "http://127.0.0.1:" + std::to_string(port));
}

}  // namespace
}  // namespace lovage::health
