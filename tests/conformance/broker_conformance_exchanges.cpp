#include "broker_conformance.hpp"

#include <gmock/gmock.h>

namespace lovage::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

queue_spec bound(char const* name, char const* exchange, char const* type, char const* key) {
  queue_spec q;
  q.name = queue_name{name};
  q.exchange = exchange;
  q.exchange_type = type;
  q.routing_key = key;
  return q;
}

outgoing to_exchange(outgoing m, char const* exchange, char const* key) {
  m.queue = {};
  m.exchange = exchange;
  m.routing_key = key;
  return m;
}

std::vector<std::string> taken(inbox& from, std::size_t count) {
  std::vector<std::string> out;
  for (auto const until = deadline::in(20s); out.size() < count && !until.passed();) {
    auto const some = from.take(until).value();
    for (auto const& e : some) out.push_back(e.body);
  }
  return out;
}

TEST_P(BrokerConformance, says_so_when_it_knows_no_exchanges) {
  if (able_.exchanges) GTEST_SKIP() << GetParam().name << " declares exchanges";
  auto const sent = producer_->publish(std::vector{to_exchange(message("a"), "media", "news")}, 5s);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, errc::not_supported);
}

TEST_P(BrokerConformance, reaches_every_queue_whose_topic_matches) {
  if (!able_.exchanges) GTEST_SKIP() << GetParam().name << " declares no exchanges";
  topology queues;
  queues.queues = {bound("news", "media", "topic", "news.#"), bound("sport", "media", "topic", "*.sport")};
  open(queues);
  auto const news = consume({"news"});
  auto const sport = consume({"sport"});
  send({to_exchange(message("both"), "media", "news.sport"), to_exchange(message("one"), "media", "news.weather.now")});
  EXPECT_THAT(bodies(take(*news, 2)), ElementsAre("both", "one"));
  EXPECT_EQ(take_one(*sport).queue, queue_name{"sport"});
  expect_nothing(*sport);
}

TEST_P(BrokerConformance, sends_by_queue_name_through_a_topic_exchange) {
  if (!able_.exchanges) GTEST_SKIP() << GetParam().name << " declares no exchanges";
  topology queues;
  queues.queues = {bound("news", "media", "topic", "news.today")};
  open(queues);
  send({message("a", 0, "news")});
  auto const news = consume({"news"});
  EXPECT_EQ(take_one(*news).envelope.body, "a");
}

TEST_P(BrokerConformance, reports_a_message_that_no_queue_takes) {
  if (!able_.exchanges) GTEST_SKIP() << GetParam().name << " declares no exchanges";
  topology queues;
  queues.queues = {bound("news", "media", "topic", "news.#")};
  open(queues);
  auto const news = consume({"news"});
  auto lost = to_exchange(message("a"), "media", "weather");
  auto const refused = producer_->publish(std::vector{lost}, 5s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::unavailable);
  EXPECT_THAT(refused.error().text(), HasSubstr("media"));
  EXPECT_THAT(refused.error().text(), HasSubstr("weather"));
  lost.must_route = false;
  EXPECT_TRUE(producer_->publish(std::vector{lost}, 5s));
  expect_nothing(*news);
}

TEST_P(BrokerConformance, fans_out_to_every_bound_queue) {
  if (!able_.exchanges) GTEST_SKIP() << GetParam().name << " declares no exchanges";
  topology queues;
  queues.queues = {bound("one", "loud", "fanout", ""), bound("two", "loud", "fanout", "")};
  open(queues);
  auto const from = consume({"one", "two"});
  send({to_exchange(message("a"), "loud", "")});
  EXPECT_THAT(bodies(take(*from, 2)), ElementsAre("a", "a"));
  expect_nothing(*from);
}

TEST_P(BrokerConformance, broadcasts_to_every_consumer) {
  if (!able_.exchanges) GTEST_SKIP() << GetParam().name << " declares no exchanges";
  topology queues;
  queues.queues = {bound("all", "all", "fanout", "all")};
  queues.queues[0].broadcast = true;
  open(queues);
  auto const one = consume({"all"});
  auto const two = consume({"all"});
  send({message("a", 0, "all")});
  auto const got = take_one(*one);
  EXPECT_EQ(got.envelope.body, "a");
  EXPECT_EQ(got.queue, queue_name{"all"});
  settle(*one, got.tag, disposition::done);
  EXPECT_EQ(take_one(*two).envelope.body, "a");
  expect_nothing(*one);
  expect_nothing(*two);
}

TEST_P(BrokerConformance, tells_by_which_exchange_and_key_a_message_came) {
  if (!able_.exchanges) {
    auto const from = consume();
    send({message("a")});
    auto const got = take_one(*from);
    EXPECT_EQ(got.exchange, "");
    EXPECT_EQ(got.routing_key, "");
    return;
  }
  topology with;
  with.queues = {bound("mail", "news", "topic", "mail.#")};
  open(std::move(with));
  auto const from = consume({"mail"});
  outgoing m = message("a");
  m.queue = {};
  m.exchange = "news";
  m.routing_key = "mail.today";
  send({m});
  auto const got = take_one(*from);
  EXPECT_EQ(got.exchange, "news");
  EXPECT_EQ(got.routing_key, "mail.today");
}

TEST_P(BrokerConformance, takes_replies_into_an_inbox) {
  if (!able_.inboxes) GTEST_SKIP() << GetParam().name << " declares no inboxes";
  auto spec = bound("replies", "", "direct", "");
  spec.durable = false;
  spec.auto_delete = true;
  auto const replies = transport_->make_inbox(spec, 20s).value();
  EXPECT_THAT(replies->take(1ms).value(), IsEmpty());
  auto reply = message("reply", 0, "replies");
  reply.must_route = false;
  reply.envelope.properties.correlation_id = "id";
  send({reply});
  auto const got = replies->take(20s).value();
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0], reply.envelope);
  replies->interrupt();
  EXPECT_THAT(replies->take(deadline::never()).value(), IsEmpty());
  send({reply, reply, reply});
  EXPECT_THAT(taken(*replies, 3), SizeIs(3));
}

TEST_P(BrokerConformance, binds_an_inbox_to_its_exchange) {
  if (!able_.inboxes) GTEST_SKIP() << GetParam().name << " declares no inboxes";
  auto spec = bound("mine", "celeryev", "topic", "worker.#");
  spec.durable = false;
  spec.auto_delete = true;
  auto const events = transport_->make_inbox(spec, 20s).value();
  auto event = to_exchange(message("online"), "celeryev", "worker.online");
  auto other = to_exchange(message("sent"), "celeryev", "task.sent");
  event.must_route = other.must_route = false;
  send({other, event});
  EXPECT_THAT(taken(*events, 1), ElementsAre("online"));
}

TEST_P(BrokerConformance, does_not_mind_when_a_replys_reader_has_gone) {
  if (!able_.inboxes) GTEST_SKIP() << GetParam().name << " declares no inboxes";
  auto reply = message("reply", 0, "nobody");
  reply.must_route = false;
  EXPECT_TRUE(producer_->publish(std::vector{reply}, 20s));
  if (able_.keeps_unread_replies) return;
  auto const late = consume({"nobody"});
  expect_nothing(*late);
}

}  // namespace
}  // namespace lovage::broker
