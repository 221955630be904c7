#include "broker_conformance.hpp"

#include <gmock/gmock.h>

#include <mutex>
#include <set>
#include <thread>

namespace lovage::broker {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

void BrokerConformance::SetUp() {
  transport_ = GetParam().open([this] { return now(); });
  ASSERT_TRUE(transport_);
  producer_ = transport_->make_producer(5s).value();
  inspector_ = transport_->make_inspector(5s).value();
}

std::unique_ptr<consumer> BrokerConformance::consume(std::vector<std::string> const& queues) {
  consumer_options with;
  for (auto const& q : queues) with.queues.emplace_back(q);
  with.session_name = "test@here";
  return transport_->make_consumer(with, 5s).value();
}

outgoing BrokerConformance::message(std::string body, int priority, std::string queue) {
  outgoing out;
  out.queue = queue_name{std::move(queue)};
  out.envelope.content_type = "application/json";
  out.envelope.body = std::move(body);
  out.priority = priority;
  return out;
}

void BrokerConformance::send(std::vector<outgoing> const& messages) {
  auto const done = producer_->publish(messages, 5s);
  ASSERT_TRUE(done) << done.error().text();
}

std::vector<std::string> BrokerConformance::bodies(std::vector<delivery> const& of) {
  std::vector<std::string> out;
  for (auto const& d : of) out.push_back(d.envelope.body);
  return out;
}

std::vector<delivery> BrokerConformance::take(consumer& from, std::size_t max) {
  return from.claim(max, deadline::now()).value();
}

void BrokerConformance::settle(consumer& with, std::uint64_t tag, disposition how, std::string reason) {
  std::vector<settlement> const one{{tag, how, std::move(reason)}};
  auto const done = with.settle(one, 5s);
  ASSERT_TRUE(done) << done.error().text();
}

queue_info BrokerConformance::counts(std::string const& queue) {
  auto some = inspector_->queues().value();
  for (auto const& q : some)
    if (q.name == queue_name{queue}) return q;
  return {};
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
  e.properties.priority = 4;
  e.properties.delivery_mode = 1;
  e.properties.expiration = "1000";
  e.properties.extra = value::map{{"delivery_info", value::map{{"exchange", ""}}}};
  send({m});
  auto const from = consume();
  auto const got = take(*from);
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].envelope, e);
  EXPECT_EQ(got[0].queue, m.queue);
  EXPECT_EQ(got[0].priority, 4);
  EXPECT_EQ(got[0].attempts, 0U);
  EXPECT_FALSE(got[0].redelivered);
}

TEST_P(BrokerConformance, serves_the_highest_priority_and_then_the_oldest) {
  send({message("a", 0), message("b", 9), message("c", 5), message("d", 9), message("e", 99), message("f", -3)});
  auto const from = consume();
  EXPECT_THAT(bodies(take(*from, 3)), ElementsAre("b", "d", "e"));
  EXPECT_THAT(bodies(take(*from)), ElementsAre("c", "a", "f"));
}

TEST_P(BrokerConformance, keeps_a_delayed_message_until_it_is_due) {
  auto later = message("later");
  later.due = now() + 1h;
  auto past = message("past");
  past.due = now() - 1h;
  send({later, past});
  auto const from = consume();
  EXPECT_THAT(bodies(take(*from)), ElementsAre("past"));
  EXPECT_EQ(counts().delayed, 1U);
  advance(59min);
  EXPECT_THAT(take(*from), IsEmpty());
  advance(2min);
  EXPECT_THAT(bodies(take(*from)), ElementsAre("later"));
}

TEST_P(BrokerConformance, wakes_a_sleeper_when_a_message_falls_due) {
  auto const from = consume();
  auto soon = message("soon");
  soon.due = now() + 60ms;
  send({soon});
  auto const got = from->claim(1, 20s).value();
  EXPECT_THAT(bodies(got), ElementsAre("soon"));
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

TEST_P(BrokerConformance, removes_what_is_done) {
  send({message("a"), message("b")});
  auto const from = consume();
  auto const got = take(*from, 1);
  EXPECT_EQ(counts().ready, 1U);
  EXPECT_EQ(counts().claimed, 1U);
  settle(*from, got.at(0).tag, disposition::done);
  EXPECT_EQ(counts().claimed, 0U);
  EXPECT_THAT(bodies(take(*from)), ElementsAre("b"));
}

TEST_P(BrokerConformance, counts_a_requeue_but_not_a_release_and_both_keep_their_place) {
  send({message("a"), message("b")});
  auto const from = consume();
  auto got = take(*from, 1);
  settle(*from, got.at(0).tag, disposition::release);
  got = take(*from, 1);
  ASSERT_THAT(bodies(got), ElementsAre("a"));
  EXPECT_EQ(got[0].attempts, 0U);
  settle(*from, got[0].tag, disposition::requeue);
  got = take(*from, 1);
  ASSERT_THAT(bodies(got), ElementsAre("a"));
  EXPECT_EQ(got[0].attempts, 1U);
  EXPECT_TRUE(got[0].redelivered);
  EXPECT_EQ(got[0].envelope, message("a").envelope);
}

TEST_P(BrokerConformance, buries_shows_redrives_and_purges) {
  send({message("a", 7), message("b"), message("c", 0, "other")});
  auto const from = consume({"q", "other"});
  for (auto const& d : take(*from)) {
    from->started(d.tag);
    settle(*from, d.tag, disposition::bury, "why " + d.envelope.body);
  }
  EXPECT_EQ(counts().dead, 2U);
  EXPECT_EQ(counts().claimed, 0U);
  auto const all = inspector_->dead({}, 100).value();
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].reason, "why a");
  EXPECT_LE(all[0].died_at, now());
  EXPECT_GT(all[0].died_at, now() - 1min);
  EXPECT_THAT(inspector_->dead({}, 2).value(), SizeIs(2));
  EXPECT_THAT(inspector_->dead(queue_name{"other"}, 9).value(), SizeIs(1));
  auto const one = inspector_->dead_one(all[0].id).value();
  ASSERT_TRUE(one);
  EXPECT_EQ(one->envelope, message("a").envelope);
  EXPECT_FALSE(inspector_->dead_one(123456).value());

  std::vector<std::uint64_t> const first{all[0].id};
  EXPECT_EQ(inspector_->redrive({}, first).value(), 1U);
  auto const again = take(*from);
  ASSERT_THAT(bodies(again), ElementsAre("a"));
  EXPECT_EQ(again[0].priority, 7);
  EXPECT_EQ(again[0].attempts, 0U);
  EXPECT_EQ(inspector_->purge_dead(queue_name{"other"}, {}).value(), 1U);
  EXPECT_EQ(inspector_->redrive({}, {}).value(), 1U);
  EXPECT_THAT(bodies(take(*from)), ElementsAre("b"));
  EXPECT_EQ(inspector_->redrive({}, {}).value(), 0U);
}

TEST_P(BrokerConformance, wakes_a_sleeper_by_redriving) {
  send({message("a")});
  auto const from = consume();
  settle(*from, take(*from).at(0).tag, disposition::bury, "x");
  std::thread sleeper{[&] { EXPECT_THAT(bodies(from->claim(1, 60s).value()), ElementsAre("a")); }};
  EXPECT_EQ(inspector_->redrive(queue_name{"q"}, {}).value(), 1U);
  sleeper.join();
}

TEST_P(BrokerConformance, purges_what_waits_but_not_what_is_claimed) {
  auto later = message("later");
  later.due = now() + 1h;
  send({message("a"), message("b"), later, message("c", 0, "other")});
  auto const from = consume();
  auto const got = take(*from, 1);
  EXPECT_EQ(inspector_->purge(queue_name{"q"}).value(), 2U);
  EXPECT_EQ(inspector_->purge(queue_name{"unknown"}).value(), 0U);
  EXPECT_EQ(counts().claimed, 1U);
  EXPECT_EQ(counts("other").ready, 1U);
  settle(*from, got.at(0).tag, disposition::requeue);
  EXPECT_THAT(bodies(take(*from)), ElementsAre("a"));
}

TEST_P(BrokerConformance, serves_queues_in_turn_and_a_higher_priority_of_any_first) {
  for (int i = 0; i < 20; ++i) send({message("a", 0, "a")});
  for (int i = 0; i < 20; ++i) send({message("b", 0, "b")});
  send({message("urgent", 1, "b")});
  auto const from = consume({"a", "b"});
  EXPECT_THAT(bodies(take(*from, 1)), ElementsAre("urgent"));
  std::multiset<std::string> got;
  for (int i = 0; i < 10; ++i) got.insert(bodies(take(*from, 1)).at(0));
  EXPECT_EQ(got.count("a"), 5U);
  got.clear();
  for (auto const& b : bodies(take(*from, 10))) got.insert(b);
  EXPECT_EQ(got.count("a"), 5U);
}

TEST_P(BrokerConformance, ignores_queues_nobody_asked_for) {
  send({message("a", 0, "other")});
  auto const from = consume({"q"});
  EXPECT_THAT(take(*from), IsEmpty());
}

TEST_P(BrokerConformance, gives_back_on_close_uncounted) {
  send({message("a"), message("b")});
  auto const other = consume();
  auto const from = consume();
  auto const got = take(*from, 1);
  from->close();
  from->close();
  EXPECT_EQ(from->claim(1, 1s).error().code, errc::closed);
  std::vector<settlement> const late{{got.at(0).tag, disposition::done, {}}};
  EXPECT_EQ(from->settle(late, 1s).error().code, errc::closed);
  auto const back = take(*other);
  EXPECT_THAT(bodies(back), ElementsAre("a", "b"));
  EXPECT_EQ(back.at(0).attempts, 0U);
}

TEST_P(BrokerConformance, ends_a_running_claim_by_close_from_another_thread) {
  auto const from = consume();
  std::thread sleeper{[&] {
    auto const got = from->claim(1, deadline::never());
    EXPECT_TRUE(!got || got->empty());
  }};
  from->close();
  sleeper.join();
}

TEST_P(BrokerConformance, passes_over_tags_of_others_and_tags_settled_before) {
  send({message("a")});
  auto const owner = consume();
  auto const stranger = consume();
  auto const tag = take(*owner).at(0).tag;
  for (auto const how : {disposition::done, disposition::requeue, disposition::release, disposition::bury})
    settle(*stranger, tag, how, "not mine");
  EXPECT_EQ(counts().claimed, 1U);
  EXPECT_EQ(counts().dead, 0U);
  settle(*owner, tag, disposition::release);
  auto const again = take(*stranger);
  EXPECT_EQ(again.at(0).attempts, 0U);
  settle(*owner, tag, disposition::done);  // too late: it lives elsewhere now
  EXPECT_EQ(counts().claimed, 1U);
}

TEST_P(BrokerConformance, gives_no_tag_twice) {
  auto const from = consume();
  std::set<std::uint64_t> tags;
  for (int i = 0; i < 10; ++i) {
    send({message("a")});
    auto const tag = take(*from).at(0).tag;
    EXPECT_TRUE(tags.insert(tag).second);
    settle(*from, tag, disposition::done);
  }
}

TEST_P(BrokerConformance, carries_large_bodies) {
  std::string const large(3 << 20, 'x');
  send({message(large)});
  auto const from = consume();
  EXPECT_EQ(take(*from).at(0).envelope.body, large);
}

TEST_P(BrokerConformance, hands_every_message_to_one_of_many_consumers) {
  constexpr int senders = 2, receivers = 3, each = 600;
  std::mutex mutex;
  std::multiset<std::string> got;
  std::vector<std::thread> threads;
  for (int s = 0; s < senders; ++s)
    threads.emplace_back([&, s] {
      for (int i = 0; i < each; ++i)
        EXPECT_TRUE(producer_->publish(std::vector{message(std::to_string(s * each + i))}, 30s));
    });
  std::atomic<int> left{senders * each};
  for (int r = 0; r < receivers; ++r)
    threads.emplace_back([&] {
      auto const from = consume();
      while (left > 0) {
        auto some = from->claim(7, 5ms).value();
        for (auto const& d : some) {
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
