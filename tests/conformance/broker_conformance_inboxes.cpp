// Remote control's way through a broker: a request to all, answers to one.
#include "broker_conformance.hpp"

#include <gmock/gmock.h>

namespace lovage::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

queue_spec control_queue(std::string const& node) {
  queue_spec q;
  q.name = queue_name{node + ".celery.pidbox"};
  q.exchange = "celery.pidbox";
  q.exchange_type = "fanout";
  q.arguments = {{"x-expires", 10'000}, {"x-message-ttl", 300'000}};
  q.durable = q.exchange_durable = false;
  q.auto_delete = true;
  return q;
}

queue_spec reply_queue(std::string const& oid) {
  auto q = control_queue("");
  q.name = queue_name{oid + ".reply.celery.pidbox"};
  q.exchange = "reply.celery.pidbox";
  q.exchange_type = "direct";
  q.routing_key = oid;
  return q;
}

outgoing to(std::string exchange, std::string key, std::string body) {
  outgoing m;
  m.exchange = std::move(exchange);
  m.routing_key = std::move(key);
  m.envelope.content_type = "application/json";
  m.envelope.content_encoding = "utf-8";
  m.envelope.body = std::move(body);
  m.must_route = false;
  return m;
}

std::string one(inbox& from) {
  auto const got = from.take(20s).value();
  return got.size() == 1 ? got[0].body : std::to_string(got.size()) + " messages";
}

TEST_P(BrokerConformance, hands_a_request_to_every_node_and_each_answer_to_its_asker) {
  if (!able_.inboxes) GTEST_SKIP() << GetParam().name << " declares no inboxes";
  auto const w1 = transport_->make_inbox(control_queue("w1@host"), 20s).value();
  auto const w2 = transport_->make_inbox(control_queue("w2@host"), 20s).value();
  auto const asker = transport_->make_inbox(reply_queue("asker"), 20s).value();
  auto const other = transport_->make_inbox(reply_queue("other"), 20s).value();
  send({to("celery.pidbox", "", "ping")});
  EXPECT_EQ(one(*w1), "ping");
  EXPECT_EQ(one(*w2), "ping");
  send({to("reply.celery.pidbox", "asker", "pong")});
  EXPECT_EQ(one(*asker), "pong");
  EXPECT_THAT(other->take(std::max<deadline::clock::duration>(GetParam().quiet, 1ms)).value(), IsEmpty());
}

TEST_P(BrokerConformance, keeps_what_a_request_says_beside_its_body) {
  if (!able_.inboxes) GTEST_SKIP() << GetParam().name << " declares no inboxes";
  auto const w1 = transport_->make_inbox(control_queue("w1@host"), 20s).value();
  auto request = to("celery.pidbox", "", "{}");
  request.envelope.headers = {{"clock", 7}, {"expires", 1795420868.5}};
  send({request});
  auto const got = w1->take(20s).value();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].headers, request.envelope.headers);
  EXPECT_EQ(got[0].content_type, "application/json");
}

TEST_P(BrokerConformance, does_not_mind_when_nobody_listens_to_a_request) {
  if (!able_.inboxes) GTEST_SKIP() << GetParam().name << " declares no inboxes";
  { auto const gone = transport_->make_inbox(control_queue("w1@host"), 20s).value(); }
  EXPECT_TRUE(producer_->publish(std::vector{to("celery.pidbox", "", "ping")}, 20s));
  EXPECT_TRUE(producer_->publish(std::vector{to("reply.celery.pidbox", "gone", "pong")}, 20s));
}

TEST_P(BrokerConformance, sends_requests_and_tasks_in_one_batch) {
  if (!able_.inboxes) GTEST_SKIP() << GetParam().name << " declares no inboxes";
  auto const w1 = transport_->make_inbox(control_queue("w1@host"), 20s).value();
  auto const tasks = consume();
  send({message("task"), to("celery.pidbox", "", "ping")});
  EXPECT_EQ(one(*w1), "ping");
  EXPECT_EQ(take_one(*tasks).envelope.body, "task");
}

TEST_P(BrokerConformance, wakes_an_inbox_that_waits) {
  if (!able_.inboxes) GTEST_SKIP() << GetParam().name << " declares no inboxes";
  auto const w1 = transport_->make_inbox(control_queue("w1@host"), 20s).value();
  std::vector<std::string> got;
  std::thread waiting{[&] {
    for (auto const& e : w1->take(20s).value()) got.push_back(e.body);
  }};
  send({to("celery.pidbox", "", "ping")});
  waiting.join();
  EXPECT_THAT(got, ElementsAre("ping"));
}

}  // namespace
}  // namespace lovage::broker
