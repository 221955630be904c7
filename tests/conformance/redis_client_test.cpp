// The Redis client against real servers.
#include "redis/client.hpp"
#include "redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <thread>

namespace lovage::redis {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::redis_server;

std::unique_ptr<client> client_of(std::string urls, std::chrono::milliseconds heartbeat = 10s) {
  connection_settings with;
  with.urls = std::move(urls);
  with.heartbeat = heartbeat;
  with.connect_timeout = 1s;
  return client::make(with).value();
}

std::string text_of(client& c, std::initializer_list<std::string_view> words, deadline until = 10s) {
  return c.run(commands::of(words), repeat::yes, until).value().at(0).text;
}

class RedisClient : public ::testing::Test {
 protected:
  redis_server server_;
  std::unique_ptr<client> client_ = client_of(server_.url());
};

TEST_F(RedisClient, AnswersAPipelineInOrderWithErrorsAsValues) {
  commands c;
  c.add({"SET", "a", "1"});
  c.add({"NO-SUCH-COMMAND"});
  c.add({"INCR", "a"});
  c.add({"GET", "none"});
  c.add({"EVAL", "return {1, 'x', {}, false, {2, {'y'}}}", "0"});
  auto const got = client_->run(c, repeat::no, 10s).value();
  ASSERT_EQ(got.size(), 5U);
  EXPECT_EQ(got[0].text, "OK");
  EXPECT_EQ(got[0].type, reply::kind::status);
  EXPECT_TRUE(got[1].is_error());
  EXPECT_EQ(to_error(got[1]).code, errc::internal);
  EXPECT_EQ(got[2].integer, 2);
  EXPECT_TRUE(got[3].is_nil());
  ASSERT_EQ(got[4].items.size(), 5U);
  EXPECT_EQ(got[4].items[1].text, "x");
  EXPECT_EQ(got[4].items[2].type, reply::kind::array);
  EXPECT_TRUE(got[4].items[3].is_nil());
  EXPECT_EQ(got[4].items[4].items[1].items[0].text, "y");
}

TEST_F(RedisClient, CarriesAnyBytesOfAnySize) {
  std::string big(8 << 20, '\0');
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 31 + (i >> 8));
  EXPECT_EQ(text_of(*client_, {"SET", big.substr(0, 300), big}), "OK");
  EXPECT_TRUE(text_of(*client_, {"GET", big.substr(0, 300)}) == big);
  EXPECT_EQ(text_of(*client_, {"ECHO", ""}), "");
}

TEST_F(RedisClient, SpeaksOverAUnixSocketAndInItsDatabase) {
  auto const local = client_of("redis+socket://" + server_.socket_path() + "?virtual_host=3");
  EXPECT_EQ(local->database(), 3);
  text_of(*local, {"SET", "here", "1"});
  EXPECT_EQ(text_of(*client_of(server_.url(3)), {"GET", "here"}), "1");
  EXPECT_EQ(text_of(*client_, {"GET", "here"}), "");
}

TEST_F(RedisClient, SendsAScriptWholeWhenTheServerHasForgottenIt) {
  script const what{"return KEYS[1] .. ARGV[1] .. ARGV[2]"};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client_->eval(what, {"k"}, {"a", "b"}, repeat::no, 10s).value().text, "kab");
    text_of(*client_, {"SCRIPT", "FLUSH"});
  }
  auto const failed = client_->eval(script{"return redis.error_reply('ERR mine')"}, {}, {}, repeat::no, 10s);
  EXPECT_THAT(failed.error().text(), HasSubstr("mine"));
}

TEST_F(RedisClient, ServesManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        auto const word = std::to_string(t) + "-" + std::to_string(i);
        EXPECT_EQ(text_of(*client_, {"ECHO", word}), word);
      }
    });
  for (auto& t : threads) t.join();
}

TEST_F(RedisClient, GoesOnAfterTheServerCameBack) {
  text_of(*client_, {"SET", "a", "1"});
  server_.restart();
  EXPECT_EQ(text_of(*client_, {"GET", "a"}), "1");
}

TEST_F(RedisClient, DoubtsNothingWhenTheConnectionWasLostBeforeItWasAsked) {
  text_of(*client_, {"SET", "a", "1"});
  server_.restart();
  EXPECT_EQ(client_->run(commands::of({"INCR", "a"}), repeat::no, 10s).value()[0].integer, 2);
}

TEST_F(RedisClient, SaysThatItIsNotKnownWhatWasDoneWhenItMayNotRepeat) {
  text_of(*client_, {"PING"});
  std::thread killer{[&] {
    auto const other = client_of(server_.url());
    auto const listed = [&] { return text_of(*other, {"CLIENT", "LIST", "TYPE", "normal"}); };
    while (listed().find("cmd=blpop") == std::string::npos) {
    }
    server_.kill();
  }};
  auto const got = client_->run(commands::of({"BLPOP", "nothing", "0"}), repeat::no, 10s);
  killer.join();
  EXPECT_EQ(got.error().code, errc::unavailable);
  EXPECT_THAT(got.error().text(), HasSubstr("not known whether"));
}

TEST_F(RedisClient, WaitsForAServerUntilTheDeadline) {
  server_.kill();
  EXPECT_EQ(client_->run(commands::of({"PING"}), repeat::yes, 300ms).error().code, errc::unavailable);
  std::thread waiting{[&] { EXPECT_EQ(text_of(*client_, {"PING"}, 20s), "PONG"); }};
  server_.start();
  waiting.join();
}

TEST_F(RedisClient, GivesUpASilentServerAfterTheHeartbeat) {
  auto const quick = client_of(server_.url(), 200ms);
  text_of(*quick, {"PING"});
  server_.freeze();
  auto const from = std::chrono::steady_clock::now();
  auto const got = quick->run(commands::of({"PING"}), repeat::no, 60s);
  EXPECT_EQ(got.error().code, errc::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - from, 10s);
  std::thread later{[&] { server_.thaw(); }};
  EXPECT_EQ(text_of(*quick, {"PING"}, 20s), "PONG");
  later.join();
}

TEST_F(RedisClient, HonoursTheDeadlineOfWhoeverWaitsBehindAnother) {
  text_of(*client_, {"PING"});
  std::thread slow{[&] { (void)client_->run(commands::of({"BLPOP", "nothing", "1"}), repeat::no, 10s); }};
  auto const other = client_of(server_.url());
  while (text_of(*other, {"CLIENT", "LIST"}).find("cmd=blpop") == std::string::npos) {
  }
  EXPECT_EQ(client_->run(commands::of({"PING"}), repeat::yes, 50ms).error().code, errc::timeout);
  slow.join();
}

TEST_F(RedisClient, ComesBackWhenTheServerWasFull) {
  text_of(*client_, {"CONFIG", "SET", "maxclients", "2"});
  auto const second = client_of(server_.url());
  text_of(*second, {"PING"});
  auto const third = client_of(server_.url());
  auto const refused = third->run(commands::of({"PING"}), repeat::yes, 300ms);
  EXPECT_EQ(refused.error().code, errc::unavailable) << refused.error().text();
  text_of(*client_, {"CONFIG", "SET", "maxclients", "100"});
  EXPECT_EQ(text_of(*third, {"PING"}), "PONG");
}

TEST_F(RedisClient, TakesTheNextAddressWhenOneIsDead) {
  auto const two = client_of("redis://127.0.0.1:1/0;" + server_.url());
  EXPECT_EQ(text_of(*two, {"PING"}), "PONG");
}

TEST_F(RedisClient, LeavesAServerThatBecameAReplica) {
  redis_server other;
  auto const two = client_of(other.url() + ";" + server_.url());
  EXPECT_EQ(text_of(*two, {"SET", "where", "other"}), "OK");
  auto const port = std::to_string(server_.port());
  text_of(*client_of(other.url()), {"REPLICAOF", "127.0.0.1", port});
  EXPECT_EQ(text_of(*two, {"SET", "where", "server"}), "OK");
  EXPECT_EQ(text_of(*client_, {"GET", "where"}), "server");
  auto const alone = client_of(other.url());
  auto const said = alone->run(commands::of({"SET", "a", "1"}), repeat::yes, 300ms);
  EXPECT_THAT(said ? said->at(0).text : said.error().text(), HasSubstr("READONLY"));
}

TEST_F(RedisClient, IsNotTakenInByAServerThatIsNoRedis) {
  int const listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::thread web{[&] {
    int const peer = ::accept(listener, nullptr, nullptr);
    std::string const page = "HTTP/1.1 400 Bad Request\r\n\r\n";
    (void)::send(peer, page.data(), page.size(), MSG_NOSIGNAL);
    ::close(peer);
    ::close(listener);
  }};
  auto const got =
      client_of("redis://127.0.0.1:" + std::to_string(ntohs(address.sin_port)))->connect(deadline::in(200ms));
  web.join();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::unavailable);
}

TEST_F(RedisClient, GivesAConnectionOfOnesOwnThatIsWokenByADescriptor) {
  auto const own = client_->connect(10s).value();
  int const wake = ::eventfd(0, EFD_CLOEXEC);
  ASSERT_TRUE(own->send(commands::of({"SUBSCRIBE", "news"}), 5s));
  EXPECT_EQ(own->receive(5s, wake).value().value().items.at(0).text, "subscribe");
  EXPECT_FALSE(own->receive(10ms, wake).value()) << "nothing at the deadline";
  EXPECT_FALSE(own->receive(deadline::now(), wake).value()) << "nor without waiting";
  text_of(*client_, {"PUBLISH", "news", "hello"});
  EXPECT_EQ(own->receive(5s, wake).value().value().items.at(2).text, "hello");
  std::uint64_t const number = 1;
  ASSERT_EQ(::write(wake, &number, sizeof number), 8);
  EXPECT_FALSE(own->receive(deadline::never(), wake).value());
  ::close(wake);
  EXPECT_FALSE(own->hung_up());
  server_.kill();
  EXPECT_EQ(own->receive(5s).error().code, errc::unavailable);
  EXPECT_TRUE(own->hung_up());
}

TEST(RedisCredentials, AreAskedForAndChecked) {
  redis_server server{{"--requirepass", "secret"}};
  auto const place = "@127.0.0.1:" + std::to_string(server.port());
  auto const good = client_of("redis://:secret" + place);
  EXPECT_EQ(text_of(*good, {"PING"}), "PONG");
  text_of(*good, {"ACL", "SETUSER", "worker", "on", ">pw", "~*", "&*", "+@all", "-flushall"});
  auto const user = client_of("redis://worker:pw" + place);
  EXPECT_EQ(text_of(*user, {"ACL", "WHOAMI"}), "worker");
  EXPECT_EQ(to_error(user->run(commands::of({"FLUSHALL"}), repeat::yes, 5s).value()[0]).code, errc::bad_config);
  for (auto const* who : {"redis://:wrong", "redis://worker:wrong", "redis://nobody:pw", "redis://"}) {
    auto const refused =
        client_of(who + (who[8] ? place : place.substr(1)))->run(commands::of({"PING"}), repeat::yes, 60s);
    ASSERT_FALSE(refused) << who;
    EXPECT_EQ(refused.error().code, errc::bad_config) << refused.error().text();
    EXPECT_THAT(refused.error().text(), ::testing::Not(HasSubstr("wrong")));
  }
  auto const no_such = client_of("redis://:secret" + place + "/99")->run(commands::of({"PING"}), repeat::yes, 60s);
  EXPECT_EQ(no_such.error().code, errc::bad_config);
}

}  // namespace
}  // namespace lovage::redis
