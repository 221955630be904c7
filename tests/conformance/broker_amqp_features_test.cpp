// What the driver does beyond the plug point: prefetch, priorities, other people's headers, dead sets of any size.
#include "broker_amqp_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <limits>

namespace lovage::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AmqpFeatures : public AmqpBroker {
 protected:
  [[nodiscard]] std::string unacknowledged(char const* queue) const {
    return in_vhost("{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(V, queue, <<\"" + std::string{queue} +
                    "\">>)), [{_, N}] = rabbit_amqqueue:info(Q, [messages_unacknowledged]), N");
  }
  void send_numbers(int count, std::string const& queue = "q") const {
    std::vector<outgoing> all;
    for (int i = 0; i < count; ++i) all.push_back(message(std::to_string(i), queue));
    send(all);
  }
};

TEST_F(AmqpFeatures, is_sent_no_more_ahead_than_asked_for) {
  open();
  send_numbers(50);
  send_numbers(50, "other");
  auto const from = consume({"q", "other"}, 10);
  EXPECT_TRUE(eventually([&] { return unacknowledged("q") == "5" && unacknowledged("other") == "5"; }));
  for (int i = 0; i < 20; ++i) settle(*from, take(*from, 5));
  EXPECT_THAT(from->claim(1, 200ms).value(), IsEmpty());
  EXPECT_TRUE(eventually([&] { return unacknowledged("q") == "0"; }));
}

TEST_F(AmqpFeatures, is_sent_more_ahead_once_it_may) {
  open();
  send_numbers(50);
  auto const from = consume({"q"}, 5);
  auto const first = take(*from, 2);
  EXPECT_TRUE(eventually([&] { return unacknowledged("q") == "5"; }));
  from->widen(20);
  from->widen(3);
  EXPECT_TRUE(eventually([&] { return std::stoi(unacknowledged("q")) >= 20; }));
  settle(*from, first);
  for (int i = 0; i < 48; ++i) settle(*from, take(*from, 1));
  EXPECT_TRUE(eventually([&] { return unacknowledged("q") == "0"; }));
}

TEST_F(AmqpFeatures, gives_back_what_was_sent_ahead_of_a_queue_that_is_fetched_from_now_on) {
  open();
  auto const from = consume({"q"}, 100);
  from->ahead(queue_name{"q"}, 20);
  send_numbers(50);
  EXPECT_TRUE(eventually([&] { return unacknowledged("q") == "20"; }));
  auto const held = take(*from, 1);
  from->ahead(queue_name{"q"}, 0);
  EXPECT_TRUE(eventually([&] { return unacknowledged("q") == "1"; }));
  settle(*from, held);
  for (int i = 0; i < 49; ++i) settle(*from, take(*from, 1));
  EXPECT_TRUE(eventually([&] { return unacknowledged("q") == "0"; }));
}

TEST_F(AmqpFeatures, is_sent_no_more_octets_ahead_than_there_is_room_for) {
  open();
  auto const from = consume({"q"}, 1'000);
  from->allow(10'000);
  std::vector<outgoing> all(50, message(std::string(1'000, '.')));
  send(all);
  EXPECT_TRUE(eventually([&] { return unacknowledged("q") == "10"; })) << unacknowledged("q");
  settle(*from, take(*from, 2));
  EXPECT_TRUE(eventually([&] { return unacknowledged("q") == "8"; })) << "it is not asked for every message anew";
  {
    auto const other = consume({"q"}, 5);
    for (int i = 0; i < 20; ++i) settle(*other, take(*other, 1));
    EXPECT_TRUE(eventually([&] { return std::stoi(unacknowledged("q")) <= 13; }));
  }
  for (int i = 0; i < 28; ++i) settle(*from, take(*from, 1));
  EXPECT_TRUE(eventually([&] { return unacknowledged("q") == "0"; }));
  EXPECT_THAT(from->claim(1, 200ms).value(), IsEmpty());
  send({message(std::string(50'000, '.'))});
  EXPECT_THAT(take(*from, 1), SizeIs(1)) << "larger than the bound, but it gets its turn";
}

TEST_F(AmqpFeatures, acknowledges_what_is_done_behind_a_task_that_still_runs) {
  open();
  send_numbers(30);
  auto const from = consume({"q"}, 10);
  auto const slow = take(*from, 1);
  for (int i = 0; i < 29; ++i) settle(*from, take(*from, 1));
  EXPECT_TRUE(eventually([&] { return unacknowledged("q") == "1"; }));
  settle(*from, slow, disposition::release);
  EXPECT_THAT(bodies(*from, 1), ElementsAre("0"));
}

TEST_F(AmqpFeatures, serves_waiting_messages_by_priority_where_the_queue_has_them) {
  auto with = on_own_vhost();
  with.queues.queues.push_back(spec_of("q", {{"x-max-priority", 10}}));
  open(with);
  std::vector<outgoing> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(message(std::to_string(i)));
    all.back().priority = i;
  }
  send(all);
  auto const from = consume({"q"}, 1);
  std::string order;
  for (int i = 0; i < 10; ++i) {
    auto const one = take(*from, 1);
    order += one.at(0).envelope.body;
    EXPECT_EQ(std::to_string(one[0].priority), one[0].envelope.body);
    settle(*from, one);
  }
  EXPECT_EQ(order, "9876543210");
}

TEST_F(AmqpFeatures, carries_headers_of_every_type_through_the_server) {
  open();
  auto m = message("a");
  m.envelope.headers = {{"null", nullptr},
                        {"yes", true},
                        {"large", 3'000'000'000},
                        {"least", std::numeric_limits<std::int64_t>::min()},
                        {"float", 0.1},
                        {"text", "ü"},
                        {"list", value::list{1, nullptr, value::map{{"x", value::list{}}}}},
                        {"money", decimal{"1.50"}},
                        {"time", datetime{1'600'000'000'000'000, 0}}};
  send({m});
  EXPECT_EQ(take(*consume(), 1).at(0).envelope.headers, m.envelope.headers);
}

TEST_F(AmqpFeatures, hands_on_what_a_dead_letter_exchange_of_the_user_says) {
  auto with = on_own_vhost();
  with.queues.queues.push_back(
      spec_of("q", {{"x-message-ttl", 1}, {"x-dead-letter-exchange", ""}, {"x-dead-letter-routing-key", "late"}}));
  open(with);
  auto const late = consume({"late"});
  send({message("a")});
  auto const got = take(*late, 1);
  ASSERT_THAT(got, SizeIs(1));
  auto const* deaths = find(got[0].envelope.headers, "x-death");
  ASSERT_TRUE(deaths);
  EXPECT_EQ(*deaths->get_if<value::list>()->at(0).find("queue"), value{"q"});
}

TEST_F(AmqpFeatures, keeps_the_dead_however_many_and_redrives_them_in_their_order) {
  open();
  constexpr int count = 1'300;  // more than are fetched at a time
  send_numbers(count);
  auto const from = consume({"q"}, 0);
  settle(*from, take(*from, count), disposition::bury);
  from->close();
  // As another program sees it, that knows the queue from its settings.
  auto with = on_own_vhost();
  with.queues.queues.push_back(spec_of("q"));
  auto const other = make_amqp_transport(with, 5s).value();
  auto const look = other->make_inspector(5s).value();
  auto const first = look->dead({}, 3).value();
  ASSERT_THAT(first, SizeIs(3));
  EXPECT_EQ(first[0].envelope.body, "0");
  EXPECT_EQ(look->dead({}, 10'000).value().size(), static_cast<std::size_t>(count));
  auto const last = look->dead({}, 10'000).value().back();
  EXPECT_EQ(look->dead_one(last.id).value()->envelope.body, last.envelope.body);
  std::vector<std::uint64_t> const some{last.id, first[1].id};
  EXPECT_EQ(look->purge_dead({}, some).value(), 2U);
  EXPECT_EQ(look->redrive({}, {}).value(), static_cast<std::uint64_t>(count - 2));
  EXPECT_THAT(look->dead({}, 10).value(), IsEmpty());
  auto const again = consume({"q"});
  auto const got = bodies(*again, count - 2);
  ASSERT_EQ(got.size(), static_cast<std::size_t>(count - 2));
  EXPECT_TRUE(std::is_sorted(got.begin(), got.end(), [](auto& a, auto& b) { return std::stoi(a) < std::stoi(b); }));
}

TEST_F(AmqpFeatures, the_dead_do_not_expire_and_have_their_expiration_back_when_redriven) {
  open();
  auto m = message("a");
  m.envelope.properties.expiration = "60000";
  send({m});
  auto const from = consume();
  settle(*from, take(*from, 1), disposition::bury);
  auto const look = on_->make_inspector(5s).value();
  ASSERT_EQ(look->dead({}, 1).value().at(0).envelope, m.envelope);
  EXPECT_EQ(look->redrive({}, {}).value(), 1U);
  EXPECT_EQ(take(*from, 1).at(0).envelope, m.envelope);
}

TEST_F(AmqpFeatures, knows_a_broadcasts_dead_by_the_name_of_the_broadcast) {
  auto with = on_own_vhost();
  auto all = spec_of("all");
  all.exchange_type = "fanout";
  all.broadcast = true;
  with.queues.queues.push_back(all);
  open(with);
  auto const one = consume({"all"});
  auto const two = consume({"all"});
  send({message("a", "all")});
  auto got = take(*one, 1);
  settle(*one, got, disposition::requeue);  // for this worker alone
  got = take(*one, 1);
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].attempts, 1U);
  settle(*one, got, disposition::bury);
  EXPECT_THAT(bodies(*two, 1), ElementsAre("a"));
  EXPECT_THAT(two->claim(1, 200ms).value(), IsEmpty());
  EXPECT_EQ(on_->make_inspector(5s).value()->dead(queue_name{"all"}, 9).value().at(0).reason, "why");
}

TEST_F(AmqpFeatures, what_is_requeued_is_confirmed_before_it_is_acknowledged) {
  open();
  send_numbers(100);
  auto const from = consume({"q"}, 10);
  std::vector<std::string> got;
  for (int i = 0; i < 100; ++i) {
    auto const one = take(*from, 1);
    settle(*from, one, one.at(0).attempts == 0 ? disposition::requeue : disposition::done);
  }
  from->close();
  auto const rest = consume();
  auto const left = take(*rest, 100);
  EXPECT_EQ(left.size(), 100U);
  for (auto const& d : left) EXPECT_EQ(d.attempts, 1U);
}

TEST_F(AmqpFeatures, consuming_ends_with_close) {
  open();
  auto const from = consume();
  EXPECT_TRUE(from->consuming());
  from->close();
  EXPECT_FALSE(from->consuming());
}

}  // namespace
}  // namespace lovage::broker
