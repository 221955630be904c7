#include "web/server.hpp"

#include "eventually.hpp"
#include "web/event_queue.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <future>
#include <list>

namespace lovage::web {
namespace {

using namespace std::chrono_literals;
using lovage::testing::eventually;
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

/// Speaks to the server by hand.
class raw_client {
 public:
  explicit raw_client(std::uint16_t port) : socket_{loop_} {
    socket_.connect({asio::ip::make_address("127.0.0.1"), port});
  }
  void send(std::string const& text) {
    boost::system::error_code ignored;
    asio::write(socket_, asio::buffer(text), ignored);
  }
  void get(std::string const& path) { send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"); }
  /// Up to and with this text; what came when the server closed before.
  std::string until(std::string const& text) {
    boost::system::error_code end;
    auto const n = asio::read_until(socket_, asio::dynamic_buffer(got_), text, end);
    auto const size = end ? got_.size() : n;
    auto out = got_.substr(0, size);
    got_.erase(0, size);
    return out;
  }
  std::string rest() {
    boost::system::error_code end;
    asio::read(socket_, asio::dynamic_buffer(got_), end);
    return std::exchange(got_, {});
  }
  void close() { socket_.close(); }

 private:
  asio::io_context loop_;
  tcp::socket socket_;
  std::string got_;
};

class WebServer : public ::testing::Test {
 protected:
  void serve(server_limits limits = {}) {
    on = server::listen(
             "127.0.0.1", 0,
             {[](request const& r) { return r.path == "/waits"; }, [this](request r) { return answer(std::move(r)); }},
             limits)
             .value();
    on->start();
  }
  response answer(request r) {
    if (r.path == "/waits") gate.get_future().wait();
    if (r.path == "/throws") throw std::runtime_error{"by the test"};
    if (r.path == "/stream") {
      response out;
      out.type = "text/event-stream";
      out.stream = std::make_shared<event_queue>();
      std::lock_guard const lock{mutex};
      streams.push_back(out.stream);
      return out;
    }
    return text_response(r.method + " " + r.path + " " + std::string{r.query.get("q")} + " " + r.body);
  }
  std::shared_ptr<event_queue> stream(std::size_t n) {
    EXPECT_TRUE(eventually([&] {
      std::lock_guard const lock{mutex};
      return streams.size() > n;
    }));
    std::lock_guard const lock{mutex};
    return streams[n];
  }

  std::promise<void> gate;
  std::mutex mutex;
  std::vector<std::shared_ptr<event_queue>> streams;
  std::unique_ptr<server> on;
};

TEST_F(WebServer, AConnectionServesManyRequests) {
  serve();
  raw_client c{on->port()};
  for (int i = 0; i < 3; ++i) {
    c.send("POST /a%20b?q=1%2B1 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
    EXPECT_NE(c.until("body").find("200 OK"), std::string::npos);
  }
  c.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  auto const both = c.rest();
  EXPECT_LT(both.find("GET /1"), both.find("GET /2")) << "two at once are answered in their order";
}

TEST_F(WebServer, HeadGivesTheLengthAlone) {
  serve();
  raw_client c{on->port()};
  c.send("HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  auto const out = c.rest();
  EXPECT_NE(out.find("Content-Length: "), std::string::npos);
  EXPECT_TRUE(out.ends_with("\r\n\r\n"));
}

TEST_F(WebServer, WhoWaitsKeepsNobodyElseWaiting) {
  serve();
  raw_client slow{on->port()}, quick{on->port()};
  slow.get("/waits");
  quick.get("/now");
  EXPECT_NE(quick.until("GET /now").find("200"), std::string::npos);
  gate.set_value();
  EXPECT_NE(slow.until("GET /waits").find("200"), std::string::npos);
}

TEST_F(WebServer, TooManyThatWaitAreToldSo) {
  serve({.threads = 1, .waiting = 1});
  raw_client first{on->port()}, second{on->port()};
  first.get("/waits");
  raw_client probe{on->port()};
  probe.get("/served");
  (void)probe.until("GET /served");
  second.get("/waits");
  EXPECT_NE(second.until("busy").find("503"), std::string::npos);
  gate.set_value();
  (void)first.until("GET /waits");
}

TEST_F(WebServer, WhatAHandlerThrowsIsA500ThatTellsNothing) {
  serve();
  raw_client c{on->port()};
  c.get("/throws");
  auto const out = c.until("}}");
  EXPECT_NE(out.find("500"), std::string::npos);
  EXPECT_EQ(out.find("by the test"), std::string::npos);
}

TEST_F(WebServer, NonsenseAndWhatIsTooLongIsRefused) {
  serve({.header_bytes = 1'000, .body_bytes = 10});
  raw_client nonsense{on->port()}, header{on->port()}, body{on->port()};
  nonsense.send("\x16\x03\x01\x02 garbage\r\n\r\n");
  EXPECT_NE(nonsense.rest().find("400"), std::string::npos);
  header.send("GET / HTTP/1.1\r\nX: " + std::string(2'000, 'x') + "\r\n\r\n");
  EXPECT_NE(header.rest().find("431"), std::string::npos);
  body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n12345678901");
  EXPECT_NE(body.rest().find("413"), std::string::npos);
}

TEST_F(WebServer, WhoIsSlowToAskIsCutOff) {
  serve({.request_time = 1s, .idle_time = 1s});
  raw_client slow{on->port()}, silent{on->port()};
  slow.send("GET / HT");
  EXPECT_EQ(slow.rest(), "");
  EXPECT_EQ(silent.rest(), "");
}

TEST_F(WebServer, FiveHundredConnectionsAreServed) {
  serve();
  std::list<raw_client> all;
  for (int i = 0; i < 500; ++i) all.emplace_back(on->port()).get("/x");
  for (auto& c : all) EXPECT_NE(c.until("GET /x").find("200"), std::string::npos);
  EXPECT_EQ(on->connections(), 500U);
}

TEST_F(WebServer, MoreConnectionsThanAllowedAreClosed) {
  serve({.connections = 1});
  raw_client first{on->port()};
  first.get("/x");
  (void)first.until("GET /x");
  raw_client second{on->port()};
  EXPECT_EQ(second.rest(), "");
}

TEST_F(WebServer, AStreamGetsWhatIsPushedAsItComes) {
  serve();
  raw_client c{on->port()};
  c.get("/stream");
  EXPECT_NE(c.until("\r\n\r\n").find("text/event-stream"), std::string::npos);
  auto const q = stream(0);
  q->push(make_event("overview", "1", true));
  EXPECT_EQ(c.until("\n\n"), "event: overview\ndata: 1\n\n");
  q->push(make_event("overview", "2", true));
  EXPECT_EQ(c.until("\n\n"), "event: overview\ndata: 2\n\n");
  q->close();
  EXPECT_EQ(c.rest(), "");
}

TEST_F(WebServer, AListenerThatWentAwayIsForgotten) {
  serve();
  raw_client c{on->port()};
  c.get("/stream");
  (void)c.until("\r\n\r\n");
  c.close();
  auto const q = stream(0);
  EXPECT_TRUE(eventually([&] { return q->closed(); }));
  EXPECT_TRUE(eventually([&] { return on->connections() == 0; }));
}

TEST_F(WebServer, AQuietStreamShowsThatItIsThere) {
  serve({.heartbeat = 1s});
  raw_client c{on->port()};
  c.get("/stream");
  (void)c.until("\r\n\r\n");
  EXPECT_EQ(c.until("\n\n"), ": still here\n\n");
}

TEST_F(WebServer, TwoHundredListenersHearTheSame) {
  serve();
  std::list<raw_client> all;
  for (int i = 0; i < 200; ++i) all.emplace_back(on->port()).get("/stream");
  for (auto& c : all) (void)c.until("\r\n\r\n");
  auto const e = make_event("overview", std::string(10'000, 'x'), true);
  for (std::size_t i = 0; i < 200; ++i) stream(i)->push(e);
  for (auto& c : all) EXPECT_EQ(c.until("\n\n"), e->text);
}

TEST_F(WebServer, StoppingEndsStreamsAndComesTwice) {
  serve();
  raw_client c{on->port()};
  c.get("/stream");
  (void)c.until("\r\n\r\n");
  stream(0)->close();
  on->stop();
  on->stop();
  on.reset();
  EXPECT_EQ(c.rest(), "");
}

TEST(WebServerPlace, APortInUseIsNamed) {
  service const none{[](request const&) { return false; }, [](request const&) { return response{}; }};
  auto const first = server::listen("127.0.0.1", 0, none).value();
  auto const second = server::listen("127.0.0.1", first->port(), none);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text().find("--port"), std::string::npos);
  EXPECT_EQ(server::listen("no such host.invalid", 0, none).error().code, errc::invalid_argument);
}

}  // namespace
}  // namespace lovage::web
