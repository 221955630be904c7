// The server is away: dead, silent, elsewhere, blocked, or reached over TLS.
#include "broker_amqp_fixture.hpp"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>
#include <thread>

namespace lovage::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AmqpOutage : public AmqpBroker {
 protected:
  void TearDown() override {
    rabbit().resume();
    AmqpBroker::TearDown();
  }
  [[nodiscard]] settings with_heartbeat(std::chrono::milliseconds heartbeat) const {
    auto with = on_own_vhost();
    with.connection.heartbeat = heartbeat;
    return with;
  }
  void expect_late(expected<void> const& outcome, steady::time_point from, std::chrono::milliseconds limit,
                   char const* part) const {
    EXPECT_GE(since(from), limit - 5ms);
    EXPECT_LT(since(from), limit + 150ms);
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().code == errc::unavailable || outcome.error().code == errc::timeout);
    EXPECT_THAT(outcome.error().text(), HasSubstr(part));
  }
};

TEST_F(AmqpOutage, every_wait_ends_at_its_deadline_where_nobody_listens) {
  auto const nobody = std::to_string(testing::free_port());
  open(at("amqp://127.0.0.1:" + nobody));
  auto from = steady::now();
  expect_late(publish({message("a")}, 300ms), from, 300ms, nobody.c_str());
  from = steady::now();
  auto const consumer = on_->make_consumer({{queue_name{"q"}}, "t"}, 300ms);
  expect_late(consumer ? expected<void>{} : fail(consumer.error()), from, 300ms, "refused");
  from = steady::now();
  auto const inbox = on_->make_inbox(spec_of("r"), 300ms);
  expect_late(inbox ? expected<void>{} : fail(inbox.error()), from, 300ms, nobody.c_str());
}

TEST_F(AmqpOutage, every_wait_ends_at_its_deadline_where_a_host_has_no_address) {
  open(at("amqp://no-such-host.invalid"));
  auto const from = steady::now();
  expect_late(publish({message("a")}, 400ms), from, 400ms, "no-such-host.invalid");
  producer_.reset();
  auto const closing = steady::now();
  on_.reset();
  EXPECT_LT(since(closing), 1500ms);
}

// A host that takes connections and never says a word.
TEST_F(AmqpOutage, every_wait_ends_at_its_deadline_where_a_listener_is_mute) {
  int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof any;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&any), size), 0);
  ASSERT_EQ(::listen(fd, 5), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&any), &size), 0);
  auto const port = std::to_string(ntohs(any.sin_port));
  auto with = at("amqp://127.0.0.1:" + port);
  with.connection.connect_timeout = 200ms;
  open(with);
  auto const from = steady::now();
  expect_late(publish({message("a")}, 500ms), from, 500ms, "does not answer the login");
  with.connection.connect_timeout = 60s;
  open(with);
  auto const again = steady::now();
  expect_late(publish({message("a")}, 300ms), again, 300ms, port.c_str());
  producer_.reset();
  auto const closing = steady::now();
  on_.reset();
  EXPECT_LT(since(closing), 500ms);
  ::close(fd);
}

TEST_F(AmqpOutage, a_silent_server_is_noticed_and_used_again_when_it_answers) {
  open(with_heartbeat(1s));
  auto const from = consume();
  send({message("a")});
  EXPECT_THAT(bodies(*from, 1), ElementsAre("a"));
  rabbit().pause();
  auto const silent = steady::now();
  expect_late(publish({message("lost")}, 500ms), silent, 500ms, "127.0.0.1");
  EXPECT_TRUE(eventually([&] { return !from->consuming(); }, 10s));
  EXPECT_LT(since(silent), 2500ms);
  auto const begun = steady::now();
  EXPECT_THAT(from->claim(1, 300ms).value(), IsEmpty());
  EXPECT_LT(since(begun), 450ms);
  EXPECT_FALSE(publish({message("lost")}, 3s));
  rabbit().resume();
  auto const back = steady::now();
  EXPECT_TRUE(eventually([&] { return from->consuming(); }, 10s));
  send({message("b")});
  std::vector<std::string> got;
  while ((got.empty() || got.back() != "b") && since(back) < 10s)
    for (auto const& b : bodies(*from, 1)) got.push_back(b);
  EXPECT_EQ(got.back(), "b");
  EXPECT_LT(since(back), 10s);
}

TEST_F(AmqpOutage, closing_does_not_wait_for_a_silent_server) {
  open();
  auto const from = consume();
  send({message("a")});
  rabbit().pause();
  auto const begun = steady::now();
  from->close();
  producer_.reset();
  on_.reset();
  EXPECT_LT(since(begun), 3s);
  rabbit().resume();
}

TEST_F(AmqpOutage, a_restarted_server_is_consumed_from_within_seconds_and_nothing_is_lost) {
  open();
  auto const from = consume({"q"}, 1);
  std::vector<outgoing> all;
  std::set<std::string> expected_bodies;
  for (int i = 0; i < 50; ++i) {
    all.push_back(message(std::to_string(i)));
    expected_bodies.insert(std::to_string(i));
  }
  send(all);
  auto const held = take(*from, 1);
  std::thread sender{[&] { EXPECT_TRUE(publish({message("during")}, 90s)); }};
  rabbit().kill();
  EXPECT_TRUE(eventually([&] { return !from->consuming(); }));
  rabbit().start();
  auto const back = steady::now();
  EXPECT_TRUE(eventually([&] { return from->consuming(); }, 10s));
  EXPECT_LT(since(back), 10s);
  sender.join();
  expected_bodies.insert("during");
  settle(*from, held);  // under a tag of before
  std::set<std::string> got;
  for (auto const until = deadline::in(20s); got != expected_bodies && !until.passed();) {
    auto const some = take(*from, 1, 1s);
    for (auto const& d : some) got.insert(d.envelope.body);
    settle(*from, some);
  }
  EXPECT_EQ(got, expected_bodies);
}

TEST_F(AmqpOutage, the_next_address_is_used_when_the_first_does_not_answer) {
  auto with = at("amqp://127.0.0.1:" + std::to_string(testing::free_port()) + ";" + rabbit().url(vhost_));
  open(with);
  auto const from = steady::now();
  auto const by = consume();
  send({message("a")});
  EXPECT_LT(since(from), 3s);
  EXPECT_THAT(bodies(*by, 1), ElementsAre("a"));
}

TEST_F(AmqpOutage, a_blocked_server_is_said_to_be_so_and_takes_messages_when_it_can) {
  open();
  auto const from = consume();
  send({message("a")});
  ASSERT_EQ(rabbit().eval("vm_memory_monitor:set_vm_memory_high_watermark(0.00001)"), "ok");
  EXPECT_TRUE(eventually([&] { return !publish({message("b")}, 200ms); }));
  auto const begun = steady::now();
  auto const blocked = publish({message("c")}, 500ms);
  expect_late(blocked, begun, 500ms, "blocked publishers");
  EXPECT_EQ(blocked.error().code, errc::unavailable);
  EXPECT_THAT(blocked.error().text(), HasSubstr("memory"));
  EXPECT_TRUE(from->consuming());
  std::thread sender{[&] { EXPECT_TRUE(publish({message("d")}, 60s)); }};
  ASSERT_EQ(rabbit().eval("vm_memory_monitor:set_vm_memory_high_watermark(0.6)"), "ok");
  sender.join();
  std::set<std::string> got;
  for (auto const until = deadline::in(20s); !got.contains("d") && !until.passed();)
    for (auto const& b : bodies(*from, 1)) got.insert(b);
  EXPECT_TRUE(got.contains("a"));
  EXPECT_TRUE(got.contains("d"));
}

TEST_F(AmqpOutage, tls_verifies_the_peer) {
  auto with = at(rabbit().tls_url(vhost_));
  open(with);
  auto unknown = publish({message("a")}, 1s);  // may be too short to learn why
  if (!unknown && unknown.error().code == errc::timeout) unknown = publish({message("a")}, 10s);
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().text(), HasSubstr("no TLS with RabbitMQ"));
  EXPECT_THAT(unknown.error().text(), HasSubstr("certificate"));

  with.connection.tls.emplace();
  with.connection.tls->ca_file = rabbit().ca_file();
  with.connection.tls->server_name = "elsewhere";
  open(with);
  auto const other = publish({message("a")}, 1s);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().text(), HasSubstr("hostname mismatch"));

  with.connection.tls->ca_file = "/no/such/file";
  open(with);
  EXPECT_EQ(publish({message("a")}, 20s).error().code, errc::bad_config);
}

TEST_F(AmqpOutage, tls_carries_messages_both_ways) {
  auto with = at(rabbit().tls_url(vhost_) + "?cacertfile=" + rabbit().ca_file());
  with.connection.tls.emplace();
  with.connection.tls->certificate = rabbit().file("client.pem");
  with.connection.tls->key = rabbit().file("client-key.pem");
  open(with);
  auto const from = consume();
  std::string const large(5 << 20, 'x');
  std::vector<outgoing> all;
  for (int i = 0; i < 500; ++i) all.push_back(message(std::to_string(i)));
  all.push_back(message(large));
  send(all);
  auto const got = take(*from, all.size());
  ASSERT_EQ(got.size(), all.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(got[i].envelope.body == all[i].envelope.body);
  settle(*from, got);
}

TEST_F(AmqpOutage, tls_that_trusts_anyone_must_be_asked_for) {
  open(at(rabbit().tls_url(vhost_) + "?verify=verify_none"));
  send({message("a")});
  EXPECT_THAT(bodies(*consume(), 1), ElementsAre("a"));
}

TEST_F(AmqpOutage, a_plain_connection_to_a_tls_port_fails_with_a_reason) {
  auto url = rabbit().tls_url(vhost_);
  url.replace(0, 5, "amqp");
  open(at(url));
  EXPECT_FALSE(publish({message("a")}, 1s));
}

}  // namespace
}  // namespace lovage::broker
