#include "broker_conformance.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <set>

namespace lovage::broker {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

constexpr auto patience = 20s;

}  // namespace

void BrokerConformance::open(topology queues) {
  inspector_.reset();
  producer_.reset();
  settings with;
  with.now = [this] { return now(); };
  with.queues = std::move(queues);
  transport_ = GetParam().open(std::move(with));
  ASSERT_TRUE(transport_);
  able_ = transport_->abilities();
  producer_ = transport_->make_producer(patience).value();
  inspector_ = transport_->make_inspector(patience).value();
}

void BrokerConformance::open_with_priorities() {
  topology queues;
  queues.missing_arguments = value::map{{"x-max-priority", 10}};
  open(std::move(queues));
}

std::unique_ptr<consumer> BrokerConformance::consume(std::vector<std::string> const& queues, std::size_t prefetch) {
  consumer_options with;
  for (auto const& q : queues) with.queues.emplace_back(q);
  with.session_name = "test@here";
  with.prefetch = prefetch;
  return transport_->make_consumer(with, patience).value();
}

std::unique_ptr<consumer> BrokerConformance::consume_ordered(queue_order how, std::vector<std::string> const& queues,
                                                             std::vector<int> weights) {
  consumer_options with;
  for (auto const& q : queues) with.queues.emplace_back(q);
  with.session_name = "test@here";
  with.order = how;
  with.weights = std::move(weights);
  return transport_->make_consumer(with, patience).value();
}

void BrokerConformance::wait_until_there(consumer& from, std::size_t count) {
  if (!able_.pushes) return;
  auto const until = deadline::in(patience);
  for (std::uint64_t waiting = count; waiting > 0 && !until.passed();) {
    waiting = 0;
    for (auto const& q : inspector_->queues().value()) waiting += q.ready;
  }
  (void)from.claim(0, deadline::now()).value();
  std::this_thread::sleep_for(GetParam().quiet);  // they are on their way
}

void BrokerConformance::wait_until_paused(consumer& from) {
  if (able_.pushes) expect_nothing(from);
}

outgoing BrokerConformance::message(std::string body, int priority, std::string queue) {
  outgoing out;
  out.queue = queue_name{std::move(queue)};
  out.envelope.content_type = "application/json";
  out.envelope.properties.priority = std::clamp(priority, 0, 9);
  out.envelope.body = std::move(body);
  out.priority = priority;
  return out;
}

void BrokerConformance::send(std::vector<outgoing> const& messages) {
  auto const done = producer_->publish(messages, patience);
  ASSERT_TRUE(done) << done.error().text();
}

std::vector<std::string> BrokerConformance::bodies(std::vector<delivery> const& of) {
  std::vector<std::string> out;
  for (auto const& d : of) out.push_back(d.envelope.body);
  return out;
}

std::vector<delivery> BrokerConformance::take(consumer& from, std::size_t count) {
  std::vector<delivery> out;
  for (auto const until = deadline::in(patience); out.size() < count && !until.passed();) {
    auto some = from.claim(count - out.size(), until).value();
    std::move(some.begin(), some.end(), std::back_inserter(out));
  }
  EXPECT_EQ(out.size(), count) << "within " << patience.count() << " s";
  return out;
}

delivery BrokerConformance::take_one(consumer& from) {
  auto some = take(from, 1);
  return some.empty() ? delivery{} : std::move(some[0]);
}

void BrokerConformance::expect_nothing(consumer& from) const {
  EXPECT_THAT(bodies(from.claim(100, GetParam().quiet).value()), IsEmpty());
}

void BrokerConformance::settle(consumer& with, std::uint64_t tag, disposition how, std::string reason) {
  std::vector<settlement> const one{{tag, how, std::move(reason)}};
  auto const done = with.settle(one, patience);
  ASSERT_TRUE(done) << done.error().text();
}

void BrokerConformance::expect_count(std::uint64_t queue_info::*which, std::uint64_t count, std::string const& queue) {
  std::uint64_t seen = 0;
  for (auto const until = deadline::in(patience);;) {
    seen = 0;
    auto const all = inspector_->queues().value();
    for (auto const& q : all)
      if (q.name == queue_name{queue}) seen = q.*which;
    if (seen == count || until.passed()) break;
    std::this_thread::sleep_for(2ms);  // a server counts in its own time
  }
  EXPECT_EQ(seen, count) << "in " << queue;
}

void BrokerConformance::expect_ready(std::uint64_t count, std::string const& queue) {
  expect_count(&queue_info::ready, count, queue);
}

void BrokerConformance::expect_delayed(std::uint64_t count, std::string const& queue) {
  if (able_.counts_delayed) expect_count(&queue_info::delayed, count, queue);
}

void BrokerConformance::expect_claimed(std::uint64_t count, std::string const& queue) {
  if (able_.counts_claimed) expect_count(&queue_info::claimed, count, queue);
}

void BrokerConformance::expect_dead(std::uint64_t count, std::string const& queue) {
  expect_count(&queue_info::dead, count, queue);
}

namespace {

TEST_P(BrokerConformance, hands_out_what_was_sent) {
  auto m = message(std::string("\0\xff\n", 3), 4);
  auto& e = m.envelope;
  e.content_encoding = "binary";
  e.headers =
      value::map{{"task", "shop.add"}, {"eta", nullptr}, {"n", 3000000000}, {"deep", value::list{1.5, true, "ü"}}};
  e.properties.correlation_id = "id";
  e.properties.reply_to = "here";
  e.properties.delivery_mode = 1;
  e.properties.expiration = "100000";
  e.properties.extra = value::map{{"message_id", "m"}, {"app_id", "shop"}};
  send({m});
  auto const from = consume();
  auto const got = take_one(*from);
  EXPECT_EQ(got.envelope, e);
  EXPECT_EQ(got.queue, m.queue);
  EXPECT_EQ(got.priority, 4);
  EXPECT_EQ(got.attempts, 0U);
  EXPECT_FALSE(got.redelivered);
  expect_nothing(*from);
}

TEST_P(BrokerConformance, serves_the_highest_priority_and_then_the_oldest) {
  if (!able_.priorities) GTEST_SKIP() << GetParam().name << " declares no priorities";
  open_with_priorities();
  send({message("a", 0), message("b", 9), message("c", 5), message("d", 9), message("e", 99), message("f", -3)});
  auto const from = consume();
  EXPECT_THAT(bodies(take(*from, 3)), ElementsAre("b", "d", "e"));
  EXPECT_THAT(bodies(take(*from, 3)), ElementsAre("c", "a", "f"));
}

TEST_P(BrokerConformance, serves_the_oldest_first) {
  std::vector<outgoing> all;
  std::vector<std::string> order;
  for (int i = 0; i < 50; ++i) order.push_back(std::to_string(i)), all.push_back(message(order.back()));
  send(all);
  auto const from = consume();
  EXPECT_EQ(bodies(take(*from, 50)), order);
}

TEST_P(BrokerConformance, keeps_a_delayed_message_until_it_is_due) {
  auto later = message("later");
  auto const wait = able_.clock_of_server ? std::chrono::microseconds{2300ms} : std::chrono::microseconds{1h};
  later.due = now() + wait;
  auto past = message("past");
  past.due = now() - 1h;
  send({later, past});
  auto const from = consume();
  EXPECT_EQ(take_one(*from).envelope.body, "past");
  expect_delayed(1);
  if (!able_.clock_of_server) {
    advance(wait - 1min);
    expect_nothing(*from);
    advance(2min);
  }
  auto const got = take_one(*from);
  EXPECT_GE(now(), *later.due);
  EXPECT_EQ(got.envelope, later.envelope);
  EXPECT_EQ(got.queue, later.queue);
  EXPECT_FALSE(got.redelivered);
  expect_nothing(*from);
}

TEST_P(BrokerConformance, wakes_a_sleeper_when_a_message_falls_due) {
  auto const from = consume();
  auto soon = message("soon");
  soon.due = now() + 60ms;
  send({soon});
  EXPECT_EQ(take_one(*from).envelope.body, "soon");
  EXPECT_GE(now(), *soon.due);
  EXPECT_LT(now(), *soon.due + 10s);
}

TEST_P(BrokerConformance, wakes_a_sleeper_when_a_message_is_sent) {
  auto const from = consume();
  std::vector<delivery> got;
  std::thread sleeper{[&] { got = from->claim(1, 60s).value(); }};
  send({message("now")});
  sleeper.join();
  EXPECT_THAT(bodies(got), ElementsAre("now"));
}

TEST_P(BrokerConformance, interrupts_the_running_and_the_next_claim) {
  auto const from = consume();
  from->interrupt();
  EXPECT_THAT(from->claim(1, deadline::never()).value(), IsEmpty());
  std::thread sleeper{[&] { EXPECT_THAT(from->claim(1, deadline::never()).value(), IsEmpty()); }};
  from->interrupt();
  sleeper.join();
}

TEST_P(BrokerConformance, gives_nothing_at_the_deadline_nor_when_nothing_is_asked_for) {
  auto const from = consume();
  EXPECT_THAT(from->claim(1, 1ms).value(), IsEmpty());
  send({message("a")});
  EXPECT_THAT(from->claim(0, 10s).value(), IsEmpty());
  EXPECT_TRUE(producer_->publish({}, 1s));
  EXPECT_TRUE(from->settle({}, 1s));
}

TEST_P(BrokerConformance, says_whether_it_is_consuming) {
  auto const from = consume();
  EXPECT_TRUE(from->consuming());
  from->close();
}

TEST_P(BrokerConformance, serves_queues_in_turn_and_a_higher_priority_of_any_first) {
  open_with_priorities();
  for (int i = 0; i < 20; ++i) send({message("a", 0, "a")});
  for (int i = 0; i < 20; ++i) send({message("b", 0, "b")});
  send({message("urgent", 9, "b")});
  auto const from = consume({"a", "b"});
  std::multiset<std::string> got;
  if (able_.pushes) {  // its choice among what has arrived is the driver's unit test
    for (int i = 0; i < 41; ++i) got.insert(take_one(*from).envelope.body);
    EXPECT_EQ(got.count("a"), 20U);
    EXPECT_EQ(got.count("b"), 20U);
    return;
  }
  EXPECT_EQ(take_one(*from).envelope.body, "urgent");
  for (int i = 0; i < 10; ++i) got.insert(take_one(*from).envelope.body);
  EXPECT_EQ(got.count("a"), 5U);
  got.clear();
  for (auto const& b : bodies(take(*from, 10))) got.insert(b);
  EXPECT_EQ(got.count("a"), 5U);
}

TEST_P(BrokerConformance, ignores_queues_nobody_asked_for) {
  send({message("a", 0, "other")});
  auto const from = consume({"q"});
  expect_nothing(*from);
}

TEST_P(BrokerConformance, carries_large_bodies) {
  std::string const large(3 << 20, 'x');
  send({message(large)});
  auto const from = consume();
  EXPECT_TRUE(take_one(*from).envelope.body == large);
}

TEST_P(BrokerConformance, hands_every_message_to_one_of_many_consumers) {
  constexpr int senders = 2, receivers = 3, each = 600;
  std::mutex mutex;
  std::multiset<std::string> got;
  std::vector<std::thread> threads;
  std::atomic<int> left{senders * each};
  for (int s = 0; s < senders; ++s)
    threads.emplace_back([&, s] {
      for (int i = 0; i < each; ++i) {
        auto const sent = producer_->publish(std::vector{message(std::to_string(s * each + i))}, 30s);
        EXPECT_TRUE(sent) << sent.error().text();
        if (!sent) --left;  // nobody is to wait for it
      }
    });
  for (int r = 0; r < receivers; ++r)
    threads.emplace_back([&] {
      auto const from = consume();
      while (left > 0) {
        auto const some = from->claim(7, 5ms);
        if (!some) {  // five want the lock of one file, and this one had to wait too long
          EXPECT_EQ(some.error().code, errc::timeout) << some.error().text();
          continue;
        }
        for (auto const& d : *some) {
          settle(*from, d.tag, disposition::done);
          std::lock_guard const lock{mutex};
          got.insert(d.envelope.body);
          --left;
        }
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(got.size(), static_cast<std::size_t>(senders * each));
  EXPECT_EQ(std::set<std::string>(got.begin(), got.end()).size(), got.size());
}

}  // namespace
}  // namespace lovage::broker
