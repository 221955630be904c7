// Queues that come, go and rest while a consumer works, in which order they are served, and what is not to run.
#include "broker_conformance.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <future>

namespace lovage::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr auto queue_patience = 20s;

queue_spec plain(std::string name) {
  queue_spec q;
  q.exchange = q.routing_key = name;
  q.name = queue_name{std::move(name)};
  return q;
}

std::vector<revocation> revoked_by(consumer& from, std::size_t count) {
  std::vector<revocation> out;
  for (auto const until = deadline::in(queue_patience); out.size() < count && !until.passed();) {
    (void)from.claim(1, 100ms).value();
    auto some = from.revoked();
    std::move(some.begin(), some.end(), std::back_inserter(out));
  }
  return out;
}

TEST_P(BrokerConformance, serves_a_queue_that_is_added_while_it_claims) {
  auto const from = consume();
  expect_nothing(*from);
  ASSERT_TRUE(from->subscribe(plain("late"), queue_patience));
  ASSERT_TRUE(from->subscribe(plain("late"), queue_patience)) << "twice is once";
  send({message("a", 0, "late"), message("b")});
  EXPECT_THAT(bodies(take(*from, 2)), UnorderedElementsAre("a", "b"));
  expect_nothing(*from);
}

TEST_P(BrokerConformance, hands_out_what_there_is_room_for_and_one_message_always) {
  auto const from = consume();
  for (int i = 0; i < 9; ++i) send({message(std::string(1'000, '.'))});
  wait_until_there(*from, 9);
  from->allow(4'500);
  auto const some = from->claim(10, queue_patience).value().size();
  EXPECT_GE(some, 2U) << "where the encoded message counts";
  EXPECT_LE(some, 5U) << "the fifth one reaches the bound";
  from->allow(0);
  EXPECT_THAT(from->claim(10, queue_patience).value(), SizeIs(1));
  from->allow(unbounded);
  EXPECT_THAT(take(*from, 8 - some), SizeIs(8 - some));
}

TEST_P(BrokerConformance, reserves_no_more_than_was_claimed_where_it_fetches) {
  std::vector<outgoing> all;
  for (auto const* queue : {"a", "b", "c"}) all.insert(all.end(), 2, message("m", 0, queue));
  consumer_options with;
  for (auto const* queue : {"a", "b", "c"}) with.queues.push_back(queue_name{queue});
  with.fetches = true;
  auto const busy = transport_->make_consumer(with, queue_patience).value();
  auto const free = transport_->make_consumer(with, queue_patience).value();
  send(all);
  EXPECT_THAT(busy->claim(1, queue_patience).value(), SizeIs(1));
  EXPECT_THAT(take(*free, 5), SizeIs(5)) << "of any queue, and nothing is held by the one that claims no more";
}

TEST_P(BrokerConformance, wakes_for_a_queue_that_was_added) {
  auto const from = consume();
  ASSERT_TRUE(from->subscribe(plain("late"), queue_patience));
  auto waiting = std::async(std::launch::async, [&] { return take_one(*from).envelope.body; });
  send({message("a", 0, "late")});
  EXPECT_EQ(waiting.get(), "a");
}

TEST_P(BrokerConformance, leaves_a_queue_but_keeps_what_it_claimed_from_it) {
  auto const from = consume({"q", "other"});
  send({message("a"), message("b"), message("c")});
  auto const claimed = take_one(*from);
  ASSERT_TRUE(from->unsubscribe(queue_name{"q"}, queue_patience));
  ASSERT_TRUE(from->unsubscribe(queue_name{"q"}, queue_patience)) << "twice is once";
  send({message("d", 0, "other")});
  EXPECT_EQ(take_one(*from).envelope.body, "d");
  expect_nothing(*from);
  expect_ready(2);  // what was sent ahead was given back
  settle(*from, claimed.tag, disposition::done);
  auto const another = consume();
  EXPECT_THAT(bodies(take(*another, 2)), UnorderedElementsAre("b", "c"));
}

TEST_P(BrokerConformance, gives_a_message_of_a_queue_that_was_left_back_to_it) {
  auto const from = consume({"q", "other"});
  send({message("a")});
  auto const claimed = take_one(*from);
  ASSERT_TRUE(from->unsubscribe(queue_name{"q"}, queue_patience));
  settle(*from, claimed.tag, disposition::requeue);
  auto const another = consume();
  EXPECT_EQ(take_one(*another).attempts, 1U);
}

TEST_P(BrokerConformance, comes_back_to_a_queue_that_it_left) {
  auto const from = consume();
  ASSERT_TRUE(from->unsubscribe(queue_name{"q"}, queue_patience));
  send({message("a")});
  expect_nothing(*from);
  ASSERT_TRUE(from->subscribe(plain("q"), queue_patience));
  EXPECT_EQ(take_one(*from).envelope.body, "a");
}

TEST_P(BrokerConformance, claims_from_the_selected_queues_alone) {
  auto const from = consume({"q", "other"});
  std::vector<queue_name> const only{queue_name{"other"}};
  from->select(only);
  send({message("a"), message("b", 0, "other")});
  EXPECT_EQ(take_one(*from).envelope.body, "b");
  expect_nothing(*from);
  from->select({});
  EXPECT_EQ(take_one(*from).envelope.body, "a");
}

TEST_P(BrokerConformance, serves_an_important_queue_to_its_end_when_strict) {
  open_with_priorities();
  auto const from = consume_ordered(queue_order::strict, {"high", "low"});
  send({message("l1", 9, "low"), message("l2", 9, "low"), message("h1", 0, "high"), message("h2", 5, "high")});
  wait_until_there(*from, 4);
  EXPECT_THAT(bodies(take(*from, 4)), ElementsAre("h2", "h1", "l1", "l2"));
}

TEST_P(BrokerConformance, serves_queues_by_their_weight) {
  auto const from = consume_ordered(queue_order::weighted, {"high", "low"}, {4, 1});
  std::vector<outgoing> all;
  for (int i = 0; i < 20; ++i) all.push_back(message("h", 0, "high")), all.push_back(message("l", 0, "low"));
  send(all);
  wait_until_there(*from, 40);
  std::string got;
  for (int i = 0; i < 10; ++i) got += take_one(*from).envelope.body;
  EXPECT_EQ(std::count(got.begin(), got.end(), 'l'), 2) << got;
  auto const many = bodies(take(*from, 10));
  EXPECT_EQ(std::count(many.begin(), many.end(), "l"), 2) << "in one claim too";
}

TEST_P(BrokerConformance, takes_nothing_from_a_paused_queue_until_it_is_resumed) {
  if (!able_.pauses) GTEST_SKIP() << GetParam().name << " declares no pauses";
  auto const from = consume({"q", "other"});
  expect_nothing(*from);
  EXPECT_THAT(inspector_->paused().value(), IsEmpty());
  ASSERT_TRUE(inspector_->pause(queue_name{"q"}));
  ASSERT_TRUE(inspector_->pause(queue_name{"q"}));
  EXPECT_THAT(inspector_->paused().value(), ElementsAre(queue_name{"q"}));
  wait_until_paused(*from);
  send({message("a"), message("b", 0, "other")});
  EXPECT_EQ(take_one(*from).envelope.body, "b");
  expect_nothing(*from);
  auto const late = consume();
  expect_nothing(*late);
  late->close();
  auto waiting = std::async(std::launch::async, [&] { return take_one(*from).envelope.body; });
  ASSERT_TRUE(inspector_->resume(queue_name{"q"}));
  ASSERT_TRUE(inspector_->resume(queue_name{"q"}));
  EXPECT_EQ(waiting.get(), "a");
  EXPECT_THAT(inspector_->paused().value(), IsEmpty());
}

TEST_P(BrokerConformance, tells_a_consumer_what_was_revoked_before_it_came_and_while_it_works) {
  if (!able_.revocations) GTEST_SKIP() << GetParam().name << " declares no revocations";
  auto const later = now() + 1h;
  std::vector<revocation> const before{{{}, "one", later}, {"customer", "7", later}};
  ASSERT_TRUE(inspector_->revoke(before));
  auto const from = consume();
  EXPECT_EQ(revoked_by(*from, 2), before);
  EXPECT_THAT(from->revoked(), IsEmpty());
  std::vector<revocation> const meanwhile{{{}, "two", later}};
  ASSERT_TRUE(inspector_->revoke(meanwhile));
  EXPECT_EQ(revoked_by(*from, 1), meanwhile);
}

TEST_P(BrokerConformance, tells_what_was_revoked_with_the_message_that_came_later) {
  if (!able_.revocations) GTEST_SKIP() << GetParam().name << " declares no revocations";
  std::vector<revocation> const what{{{}, "one", now() + 1h}};
  ASSERT_TRUE(inspector_->revoke(what));
  send({message("a")});
  auto const from = consume();
  EXPECT_EQ(take_one(*from).envelope.body, "a");
  EXPECT_EQ(from->revoked(), what);
}

}  // namespace
}  // namespace lovage::broker
