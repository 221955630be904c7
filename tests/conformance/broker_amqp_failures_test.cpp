// What RabbitMQ refuses, and what goes wrong with a connection while the server is well.
#include "broker_amqp_fixture.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <set>
#include <thread>

namespace lovage::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class AmqpFailures : public AmqpBroker {
 protected:
  [[nodiscard]] std::string delete_queue(std::string const& name) const {
    return in_vhost("{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(V, queue, <<\"" + name +
                    "\">>)), element(1, rabbit_amqqueue:delete(Q, false, false, <<\"test\">>))");
  }
  /// Closes every connection to this test's virtual host, as an operator can.
  [[nodiscard]] std::string close_connections() const {
    return in_vhost(
        "length([rabbit_networking:close_connection(P, \"by the test\") || P <- rabbit_networking:connections(), "
        "[{vhost, W}] <- [rabbit_networking:connection_info(P, [vhost])], W =:= V])");
  }
  [[nodiscard]] settings with_arguments(value::map arguments) const {
    auto with = on_own_vhost();
    with.queues.queues.push_back(spec_of("q", std::move(arguments)));
    return with;
  }
};

TEST_F(AmqpFailures, a_wrong_password_is_said_at_once_and_not_shown) {
  auto with = on_own_vhost();
  with.connection.urls = "amqp://guest:wrong-one@127.0.0.1:" + std::to_string(rabbit().port()) + "/" + vhost_;
  open(with);
  auto const from = steady::now();
  for (int i = 0; i < 2; ++i) {
    auto const sent = publish({message("a")}, 60s);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, errc::bad_config);
    EXPECT_THAT(sent.error().text(), HasSubstr("ACCESS_REFUSED"));
    EXPECT_THAT(sent.error().text(), HasSubstr("127.0.0.1"));
    EXPECT_THAT(sent.error().text(), Not(HasSubstr("wrong-one")));
  }
  EXPECT_EQ(on_->make_consumer({{queue_name{"q"}}, "t"}, 60s).error().code, errc::bad_config);
  EXPECT_EQ(on_->make_inbox(spec_of("r"), 60s).error().code, errc::bad_config);
  EXPECT_EQ(on_->make_inspector(1s).value()->queues().error().code, errc::bad_config);
  EXPECT_LT(steady::now() - from, 15s);
}

TEST_F(AmqpFailures, an_unknown_virtual_host_is_said_at_once) {
  auto with = on_own_vhost();
  with.connection.urls = rabbit().url("no-such-host");
  open(with);
  auto const sent = publish({message("a")}, 60s);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, errc::bad_config);
  EXPECT_THAT(sent.error().text(), HasSubstr("no-such-host"));
}

TEST_F(AmqpFailures, what_no_queue_takes_is_an_error_that_names_where_it_went) {
  open();
  auto lost = message("lost");
  lost.queue = {};
  lost.exchange = "amq.direct";
  lost.routing_key = "nowhere";
  auto const sent = publish({lost});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, errc::unavailable);
  EXPECT_THAT(sent.error().text(), HasSubstr("no queue takes it"));
  EXPECT_THAT(sent.error().text(), HasSubstr("amq.direct"));
  EXPECT_THAT(sent.error().text(), HasSubstr("nowhere"));
}

TEST_F(AmqpFailures, an_exchange_that_does_not_exist_harms_no_other_message) {
  open();
  auto lost = message("lost");
  lost.queue = {};
  lost.exchange = "missing";
  auto const sent = publish({message("a"), lost, message("b")});
  ASSERT_FALSE(sent);
  EXPECT_THAT(sent.error().text(), HasSubstr("'missing'"));
  EXPECT_THAT(bodies(*consume(), 2), ElementsAre("a", "b"));
}

// The server closes the channel and does not say over which message.
TEST_F(AmqpFailures, of_many_only_the_message_that_the_server_refuses_fails) {
  open();
  auto bad = message("bad");
  bad.envelope.properties.expiration = "soon";
  std::vector<outgoing> all;
  for (int i = 0; i < 20; ++i) all.push_back(i == 7 ? bad : message(std::to_string(i)));
  std::thread beside{[&] { send({message("beside")}); }};
  auto const sent = publish(all);
  beside.join();
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, errc::invalid_argument);
  EXPECT_THAT(sent.error().text(), HasSubstr("expiration"));
  std::set<std::string> got;
  auto const from = consume();
  for (auto const until = deadline::in(20s); got.size() < 20 && !until.passed();)
    for (auto const& b : bodies(*from, 1, until)) got.insert(b);  // some may come twice
  EXPECT_EQ(got.size(), 20U);
  EXPECT_FALSE(got.contains("bad"));
}

TEST_F(AmqpFailures, headers_too_long_for_amqp_are_an_error_of_their_message) {
  open();
  auto bad = message("bad");
  bad.envelope.headers = {{"long", std::string(200'000, 'x')}};
  auto const sent = publish({bad, message("good")});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, errc::encode);
  EXPECT_THAT(bodies(*consume(), 1), ElementsAre("good"));
}

TEST_F(AmqpFailures, a_queue_with_other_arguments_is_used_as_it_is) {
  open(with_arguments({{"x-max-priority", 10}}));
  send({message("a")});
  open(with_arguments({{"x-max-length", 7}}));
  send({message("b")});
  auto const from = consume();
  EXPECT_THAT(bodies(*from, 2), ElementsAre("a", "b"));
}

TEST_F(AmqpFailures, an_exchange_of_another_type_is_used_as_it_is) {
  auto with = with_arguments({});
  with.queues.queues[0].exchange_type = "topic";
  open(with);
  send({message("a")});
  open(with_arguments({}));
  send({message("b")});
  EXPECT_THAT(bodies(*consume(), 2), ElementsAre("a", "b"));
}

TEST_F(AmqpFailures, arguments_that_no_queue_can_have_are_said) {
  open(with_arguments({{"x-queue-type", "quorum"}, {"x-max-priority", -1}}));
  auto const sent = publish({message("a")}, 20s);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, errc::bad_config);
  EXPECT_THAT(sent.error().text(), HasSubstr("x-max-priority"));
}

TEST_F(AmqpFailures, a_queue_that_may_not_be_made_is_said) {
  auto with = with_arguments({});
  with.queues.create_missing = false;
  open(with);
  EXPECT_EQ(publish({message("a", "other")}).error().code, errc::bad_config);
  EXPECT_EQ(on_->make_consumer({{queue_name{"other"}}, "t"}, 5s).error().code, errc::bad_config);
  send({message("a")});
}

TEST_F(AmqpFailures, a_full_queue_refuses_with_an_error) {
  open(with_arguments({{"x-max-length", 2}, {"x-overflow", "reject-publish"}}));
  send({message("a"), message("b")});
  for (auto const patience : {500ms, 20'000ms}) {
    auto const sent = publish({message("c")}, patience);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, errc::unavailable);
    EXPECT_THAT(sent.error().text(), HasSubstr("full"));
  }
}

TEST_F(AmqpFailures, what_is_refused_is_sent_when_it_is_taken) {
  open(with_arguments({{"x-max-length", 1}, {"x-overflow", "reject-publish"}}));
  send({message("a")});
  auto sent = std::async(std::launch::async, [&] { return publish({message("b")}, 20s); });
  EXPECT_EQ(sent.wait_for(300ms), std::future_status::timeout);
  auto const from = consume();
  EXPECT_THAT(bodies(*from, 2), ElementsAre("a", "b"));
  EXPECT_TRUE(sent.get());
}

TEST_F(AmqpFailures, a_deleted_queue_is_made_again_by_its_producer) {
  open();
  send({message("a")});
  ASSERT_EQ(delete_queue("q"), "ok");
  send({message("b")});
  EXPECT_THAT(bodies(*consume(), 1), ElementsAre("b"));
}

TEST_F(AmqpFailures, a_deleted_queue_is_made_again_by_its_consumer) {
  open();
  auto const from = consume({"q", "other"});
  ASSERT_EQ(delete_queue("q"), "ok");
  EXPECT_TRUE(eventually([&] { return delete_queue("q") == "ok"; }));
  EXPECT_TRUE(eventually([&] { return publish({message("a")}).has_value(); }));
  send({message("b", "other")});
  EXPECT_THAT(bodies(*from, 2), UnorderedElementsAre("a", "b"));
  EXPECT_TRUE(from->consuming());
}

TEST_F(AmqpFailures, a_closed_connection_is_made_again_and_old_tags_are_passed_over) {
  open();
  send({message("a"), message("b")});
  auto const from = consume();
  auto const inbox = on_->make_inbox(spec_of("r"), 5s).value();
  auto old = take(*from, 2);
  EXPECT_NE(close_connections(), "0");
  auto again = take(*from, 2);
  ASSERT_EQ(again.size(), 2U);
  EXPECT_TRUE(again[0].redelivered);
  EXPECT_EQ(again[0].attempts, 0U);
  settle(*from, old);  // of another connection
  EXPECT_THAT(from->claim(9, 200ms).value(), IsEmpty());
  settle(*from, again);
  send({message("c")});
  EXPECT_THAT(bodies(*from, 1), ElementsAre("c"));
  auto reply = message("reply", "r");
  reply.must_route = false;
  std::size_t got = 0;
  EXPECT_TRUE(eventually([&] {
    send({reply});
    return (got += inbox->take(50ms).value().size()) > 0;
  }));
}

// consumer_timeout, 30 minutes by default.
TEST_F(AmqpFailures, a_channel_closed_for_a_late_acknowledgement_is_opened_again) {
  auto const limits = [](char const* timeout, char const* tick) {
    return rabbit().eval(std::string{"application:set_env(rabbit, consumer_timeout, "} + timeout +
                         "), application:set_env(rabbit, channel_tick_interval, " + tick + ")");
  };
  ASSERT_EQ(limits("300", "300"), "ok");
  open();
  auto const from = consume();
  send({message("a")});
  auto const old = take(*from, 1);
  auto again = take(*from, 1);  // it comes once more, by another channel
  EXPECT_EQ(limits("1800000", "60000"), "ok");
  ASSERT_EQ(again.size(), 1U);
  EXPECT_NE(again[0].tag, old.at(0).tag);
  settle(*from, old);
  send({message("b")});
  auto const next = from->claim(9, 30s).value();
  ASSERT_FALSE(next.empty());
  EXPECT_TRUE(from->consuming());
}

TEST_F(AmqpFailures, ten_thousand_confirmed_messages_survive_closed_connections) {
  open();
  constexpr int count = 10'000;
  std::atomic<int> sent_so_far{0};
  std::thread intruder{[&] {  // closes while the next ones are under way
    for (int at = 500; at < count; at += 1'000)
      if (eventually([&] { return sent_so_far >= at; }, 60s)) (void)close_connections();
  }};
  for (int i = 0; i < count; i += 500) {
    std::vector<outgoing> some;
    for (int k = i; k < i + 500; ++k) some.push_back(message(std::to_string(k)));
    auto const sent = publish(some, 60s);
    EXPECT_TRUE(sent) << sent.error().text();
    sent_so_far += 500;
  }
  intruder.join();
  std::set<std::string> got;
  auto const from = consume({"q"}, 200);
  for (auto const until = deadline::in(60s); got.size() < count && !until.passed();) {
    auto const some = from->claim(100, 1s).value();
    for (auto const& d : some) got.insert(d.envelope.body);
    settle(*from, some);
  }
  EXPECT_EQ(got.size(), static_cast<std::size_t>(count));
}

}  // namespace
}  // namespace lovage::broker
