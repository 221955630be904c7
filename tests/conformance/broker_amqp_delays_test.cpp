// Delayed messages wait in Celery's delay queues, and come once and not early.
#include "broker_amqp_fixture.hpp"
#include "wire/result_record.hpp"

#include <gmock/gmock.h>

#include <set>

namespace lovage::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// By the type of the queue and of its exchange.
class AmqpDelays : public AmqpBroker, public ::testing::WithParamInterface<std::pair<char const*, char const*>> {
 protected:
  void SetUp() override {
    auto with = on_own_vhost();
    with.delay_queue_type = "classic";
    auto q = spec_of("q", {{"x-queue-type", GetParam().first}});
    q.exchange_type = GetParam().second;
    with.queues.queues.push_back(std::move(q));
    open(std::move(with));
  }
  /// What the server holds, ready or not.
  [[nodiscard]] std::string count(char const* queue, char const* what) const {
    return in_vhost("{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(V, queue, <<\"" + std::string{queue} +
                    "\">>)), [{_, N}] = rabbit_amqqueue:info(Q, [" + what + "]), N");
  }
};

std::string name_of(::testing::TestParamInfo<std::pair<char const*, char const*>> const& of) {
  return std::string{of.param.first} + "_" + of.param.second;
}

INSTANTIATE_TEST_SUITE_P(On, AmqpDelays,
                         ::testing::Values(std::pair{"classic", "direct"}, std::pair{"quorum", "direct"},
                                           std::pair{"classic", "topic"}, std::pair{"quorum", "topic"}),
                         name_of);

TEST_P(AmqpDelays, comes_once_and_in_time) {
  auto const from = consume();
  auto later = message("later");
  later.due = system_now() + 2600ms;
  send({later});
  auto const got = take(*from, 1);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_GE(system_now(), *later.due);
  EXPECT_LT(system_now(), *later.due + 5s);
  EXPECT_EQ(got[0].envelope, later.envelope);
  EXPECT_THAT(from->claim(9, 1s).value(), IsEmpty());
}

// The binding that Celery's workers make for themselves, beside ours.
TEST_P(AmqpDelays, comes_once_where_celery_has_bound_the_exchange_too) {
  if (GetParam().second == std::string{"direct"}) GTEST_SKIP() << "Celery does not bind direct exchanges";
  auto const from = consume();
  auto later = message("later");
  later.due = system_now() + 1200ms;
  send({later});
  EXPECT_THAT(bodies(*from, 1), ElementsAre("later"));
  auto const bound = in_vhost(
      "B = fun(D, S) -> rabbit_binding:add({binding, rabbit_misc:r(V, exchange, S), <<\"#.q\">>, D, []}, <<\"t\">>) "
      "end, "
      "ok = B(rabbit_misc:r(V, exchange, <<\"q\">>), <<\"celery_delayed_delivery\">>), "
      "ok = B(rabbit_misc:r(V, queue, <<\"q\">>), <<\"q\">>)");
  ASSERT_EQ(bound, "ok");
  auto again = message("again");
  again.due = system_now() + 1200ms;
  auto python = message("python");  // as Celery's clients send with a countdown of one second
  python.queue = {};
  python.exchange = "celery_delayed_27";
  for (int i = 0; i < 27; ++i) python.routing_key += "0.";
  python.routing_key += "1.q";
  send({again, python});
  EXPECT_THAT(bodies(*from, 2), ::testing::UnorderedElementsAre("again", "python"));
  EXPECT_THAT(from->claim(9, 1s).value(), IsEmpty());
}

TEST_P(AmqpDelays, sends_round_what_an_older_celery_sent_straight) {
  auto early = message("early");
  auto const eta = system_now() + 7s;
  early.envelope.headers = {{"eta", wire::to_iso(eta)}, {"task", "t"}};  // in the order of RabbitMQ, which sorts them
  auto const from = consume();
  send({early});
  ASSERT_TRUE(eventually([&] {
    auto const some = from->claim(1, 10ms).value();
    EXPECT_THAT(some, IsEmpty());
    return count("q", "messages") == "0" || system_now() > eta;
  }));
  EXPECT_LT(system_now(), eta);  // it does not wait here, unacknowledged
  auto const got = take(*from, 1);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_GE(system_now(), eta);
  EXPECT_EQ(got[0].envelope, early.envelope);
}

class AmqpDelayed : public AmqpBroker {
 protected:
  void open_with_type(char const* type) {
    auto with = on_own_vhost();
    with.delay_queue_type = type;
    open(std::move(with));
  }
  [[nodiscard]] static outgoing delayed(std::string body, std::chrono::milliseconds by, std::string queue = "q") {
    auto m = message(std::move(body), std::move(queue));
    m.due = system_now() + by;
    return m;
  }
};

TEST_F(AmqpDelayed, uses_delay_queues_of_the_other_type_where_they_exist) {
  open_with_type("classic");
  send({delayed("a", 1200ms)});
  open_with_type("quorum");
  auto const from = consume();
  send({delayed("b", 1200ms)});
  EXPECT_THAT(bodies(*from, 2), ::testing::UnorderedElementsAre("a", "b"));
}

TEST_F(AmqpDelayed, takes_no_room_of_a_worker_once_it_was_sent_round) {
  open_with_type("classic");
  auto const from = consume();
  from->allow(10'000);
  auto far = message(std::string(1'000, '.'));
  far.envelope.headers = {{"eta", wire::to_iso(system_now() + 1h)}, {"task", "t"}};
  send(std::vector(25, far));
  send(std::vector(5, message("now")));
  EXPECT_EQ(bodies(*from, 5), std::vector<std::string>(5, "now"));
}

TEST_F(AmqpDelayed, comes_to_its_queue_alone_where_names_end_alike) {
  open_with_type("classic");
  auto const high = consume({"high"});
  auto const shop = consume({"shop.high"});
  send({delayed("a", 1100ms, "high"), delayed("b", 1100ms, "shop.high")});
  EXPECT_THAT(bodies(*high, 1), ElementsAre("a"));
  EXPECT_THAT(bodies(*shop, 1), ElementsAre("b"));
  EXPECT_THAT(high->claim(9, 700ms).value(), IsEmpty());
}

TEST_F(AmqpDelayed, does_not_come_early_when_it_expires_before_it_is_due) {
  open_with_type("classic");
  auto m = delayed("a", 3200ms);
  m.envelope.properties.expiration = "500";
  auto const from = consume();
  send({m});
  EXPECT_THAT(bodies(*from, 1), ElementsAre("a"));
  EXPECT_GE(system_now(), *m.due);
}

TEST_F(AmqpDelayed, waits_in_the_worker_where_the_name_is_too_long_for_a_key) {
  open_with_type("classic");
  std::string const name(240, 'q');
  auto const from = consume({name});
  auto const m = delayed("a", 2500ms, name);
  send({m});
  EXPECT_THAT(bodies(*from, 1), ElementsAre("a"));
  EXPECT_GE(system_now(), *m.due);
}

TEST_F(AmqpDelayed, hands_out_none_early_and_loses_none_of_a_thousand) {
  open_with_type("classic");
  auto const from = consume();
  std::vector<outgoing> all;
  for (int i = 0; i < 1'000; ++i)
    all.push_back(delayed(std::to_string(i), std::chrono::milliseconds{900 + (i * 37) % 1'900}));
  send(all);
  std::set<std::string> got;
  for (auto const& d : take(*from, 1'000)) {
    EXPECT_GE(system_now(), *all[static_cast<std::size_t>(std::stoi(d.envelope.body))].due);
    got.insert(d.envelope.body);
  }
  EXPECT_EQ(got.size(), 1'000U);
  EXPECT_THAT(from->claim(9, 500ms).value(), IsEmpty());
}

TEST_F(AmqpDelayed, counts_an_attempt_through_a_delay) {
  open_with_type("classic");
  auto const from = consume();
  auto m = message("a");
  m.envelope.headers = {{"eta", wire::to_iso(system_now() + 1s)}};
  send({m});
  auto got = take(*from, 1);
  settle(*from, got, disposition::requeue);
  got = take(*from, 1);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].attempts, 1U);
  EXPECT_EQ(got[0].envelope, m.envelope);
}

}  // namespace
}  // namespace lovage::broker
