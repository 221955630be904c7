// Which keys and channels there are, under which prefix, in which database, who may use them, and how long they last.
#include "broker_redis_fixture.hpp"

#include <gmock/gmock.h>

namespace lovage::broker {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSubsetOf;
using ::testing::StartsWith;

queue_spec queue(std::string name, std::string exchange = {}, std::string type = "direct", std::string key = {}) {
  queue_spec out;
  out.name = queue_name{std::move(name)};
  out.exchange = std::move(exchange);
  out.exchange_type = std::move(type);
  out.routing_key = std::move(key);
  return out;
}

outgoing to_exchange(std::string body, std::string exchange, std::string key) {
  outgoing out;
  out.envelope.body = std::move(body);
  out.exchange = std::move(exchange);
  out.routing_key = std::move(key);
  return out;
}

/// A program that uses everything there is: queues of all kinds, priorities, delays, the dead set, replies.
class everything : broker_steps {
 public:
  static topology queues() {
    topology out;
    out.queues = {queue("q", "q", "direct", "q"), queue("logs", "news", "topic", "log.#"),
                  queue("flash", "flash", "fanout")};
    out.queues.push_back(queue("all", "all", "fanout"));
    out.queues.back().broadcast = true;
    return out;
  }
  static queue_spec of_events() { return queue("events", "celeryev", "topic", "task.#"); }

  explicit everything(std::shared_ptr<transport> on)
      : on_{std::move(on)},
        producer{on_->make_producer(10s).value()},
        inspector{on_->make_inspector(10s).value()},
        from{consume(*on_, {"q", "logs", "flash", "all"})},
        replies{on_->make_inbox(queue("replies"), 10s).value()},
        answers{on_->make_inbox(queue("answers", "reply.celery.pidbox", "direct", "answers"), 10s).value()},
        events{on_->make_inbox(of_events(), 10s).value()} {}

  /// Everything once; what it sends bears `mark`.
  void work(std::string const& mark) const {
    auto urgent = message(mark + "urgent"), later = message(mark + "later");
    urgent.priority = 9;
    later.due = system_now() + 1h;
    send(*producer, {urgent, message(mark + "plain"), later, to_exchange(mark + "log", "news", "log.a"),
                     to_exchange(mark + "flash", "flash", ""), message(mark + "all", "all")});
    auto got = take(*from, 5);
    EXPECT_THAT(bodies(got), ::testing::UnorderedElementsAre(mark + "urgent", mark + "plain", mark + "log",
                                                             mark + "flash", mark + "all"));
    for (auto const& d : got) from->started(d.tag);
    settle(*from, got, disposition::requeue);
    got = take(*from, 5);
    EXPECT_EQ(got.size(), 5U);
    settle(*from, {got.begin(), got.begin() + 3});
    settle(*from, {got.begin() + 3, got.end()}, disposition::bury);
    EXPECT_TRUE(inspector->pause(queue_name{"resting"}));
    EXPECT_TRUE(inspector->revoke(std::vector<revocation>{{{}, mark + "id", system_now() + 1h}}));
    EXPECT_TRUE(from->claim(1, 10s).value().empty());
    EXPECT_EQ(from->revoked().size(), 1U);
    answer(mark);
  }
  void answer(std::string const& mark) const {
    auto reply = message(mark + "reply", "replies"),
         answer = to_exchange(mark + "answer", "reply.celery.pidbox", "answers");
    reply.must_route = answer.must_route = false;
    auto event = to_exchange(mark + "event", "celeryev", "task.sent");
    event.must_route = false;
    send(*producer, {reply, answer, event});
    for (auto const& [inbox, body] : {std::pair{&replies, "reply"}, {&answers, "answer"}, {&events, "event"}}) {
      auto const came = (*inbox)->take(10s).value();
      ASSERT_EQ(came.size(), 1U) << body;
      EXPECT_EQ(came[0].body, mark + body);
    }
  }
  /// What it holds and sent stays where it is when its caller looks.
  void leave_behind() const {
    auto late = message("late", "nobody's replies");
    late.must_route = false;
    auto later = message("later");
    later.due = system_now() + 1h;
    send(*producer, {message("held"), message("ready"), late, later});
    auto const held = take(*from, 1);
    from->started(held.at(0).tag);
  }

  std::shared_ptr<transport> const on_;
  std::unique_ptr<lovage::broker::producer> const producer;
  std::unique_ptr<lovage::broker::inspector> const inspector;
  std::unique_ptr<consumer> from;
  std::unique_ptr<inbox> replies, answers, events;
};

class RedisKeys : public RedisBroker {
 protected:
  [[nodiscard]] everything program(settings with) const {
    with.queues = everything::queues();
    return everything{make(std::move(with))};
  }
  [[nodiscard]] everything shop(std::string const& prefix, int database = 0) const {
    return program(here({{"global_keyprefix", prefix}}, database));
  }
  [[nodiscard]] std::int64_t listeners(std::string const& channel) const { return number({"PUBLISH", channel, "{}"}); }
};

TEST_F(RedisKeys, AllHaveThePrefixAndSoHaveChannels) {
  auto const one = shop("shop:");
  one.work("");
  one.leave_behind();
  EXPECT_THAT(keys(), Each(StartsWith("shop:")));
  EXPECT_GE(keys().size(), 10U);
  EXPECT_EQ(listeners("shop:/0.all"), 1);
  EXPECT_EQ(listeners("shop:/0.celeryev/task.sent"), 1);
  EXPECT_EQ(listeners("/0.all"), 0);
  EXPECT_EQ(listeners("/0.celeryev/task.sent"), 0);
}

TEST_F(RedisKeys, OfChannelsAreListenedToWhileTheirQueueIsSubscribedTo) {
  open({{"global_keyprefix", "shop:"}});
  auto const from = consume();
  auto named = queue("flash", "flash", "fanout"), pattern = queue("logs", "logs", "fanout", "log.#");
  ASSERT_TRUE(from->subscribe(named, 10s));
  ASSERT_TRUE(from->subscribe(pattern, 10s));
  EXPECT_TRUE(eventually([&] { return listeners("shop:/0.flash") == 1 && listeners("shop:/0.logs/log.a") == 1; }));
  ASSERT_TRUE(from->unsubscribe(named.name, 10s));
  ASSERT_TRUE(from->unsubscribe(pattern.name, 10s));
  EXPECT_TRUE(eventually([&] { return listeners("shop:/0.flash") == 0 && listeners("shop:/0.logs/log.a") == 0; }));
}

TEST_F(RedisKeys, OfTwoPrefixesDoNotMeet) {
  auto const one = shop("one:"), two = shop("two:");
  one.leave_behind();
  auto const before = keys();
  two.work("2");
  one.answer("1");
  for (auto const& q : two.inspector->queues().value()) EXPECT_EQ(q.claimed + q.ready, 0U) << q.name.str();
  for (auto const& key : before) EXPECT_TRUE(keys().contains(key)) << key;
  EXPECT_TRUE(two.from->claim(1, 50ms).value().empty());
}

TEST_F(RedisKeys, StandInTheDatabaseOfTheUrlAndChannelsBearItsNumber) {
  auto const one = shop("", 5), other = shop("", 6);
  one.work("5");
  EXPECT_EQ(keys(), std::set<std::string>{});
  EXPECT_TRUE(keys(5).contains("lovage.dead"));
  EXPECT_FALSE(keys(6).contains("lovage.dead"));
  EXPECT_EQ(listeners("/5.all"), 1);
  EXPECT_EQ(listeners("/6.all"), 1);
  EXPECT_EQ(listeners("/0.all"), 0);
}

TEST_F(RedisKeys, NeedNoMoreRightsThanThoseWithThePrefix) {
  auto const set_up = ask({"ACL", "SETUSER", "shop", "on", ">secret", "resetkeys", "~shop:*", "resetchannels",
                           "&shop:*", "+@all", "-@dangerous", "-@admin"});
  ASSERT_EQ(set_up.text, "OK");
  auto with = here({{"global_keyprefix", "shop:"}});
  with.connection.urls.replace(0, std::string{"redis://"}.size(), "redis://shop:secret@");
  with.queues = everything::queues();
  auto const refused = make(with)->make_inbox(everything::of_events(), 20s);
  ASSERT_FALSE(refused) << "a pattern must be allowed in these very words";
  EXPECT_THAT(refused.error().text(), HasSubstr("NOPERM"));
  (void)ask({"ACL", "SETUSER", "shop", "&shop:/0.celeryev/task.*"});
  (void)ask({"ACL", "LOG", "RESET"});
  auto const polling = program(with);
  polling.work("");
  EXPECT_THAT(polling.inspector->queues().value(), ::testing::SizeIs(::testing::Ge(2U)));
  EXPECT_EQ(polling.inspector->purge(queue_name{"q"}).value(), 1U);
  EXPECT_EQ(polling.inspector->redrive({}, {}).value(), 2U);
  auto const refusals = ask({"ACL", "LOG"}).items;
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].items.at(7).text, "__redis__:invalidate") << "without it the server is asked 20 times a second";

  ASSERT_EQ(ask({"ACL", "LOG", "RESET"}).text, "OK");
  ASSERT_EQ(ask({"ACL", "SETUSER", "shop", "&__redis__:invalidate"}).text, "OK");
  program(with).answer("woken");
  EXPECT_EQ(ask({"ACL", "LOG"}).items.size(), 0U);
}

TEST_F(RedisKeys, OfAnotherPrefixAreRefusedWithAReason) {
  ASSERT_EQ(
      ask({"ACL", "SETUSER", "shop", "on", ">secret", "resetkeys", "~shop:*", "resetchannels", "&shop:*", "+@all"})
          .text,
      "OK");
  auto with = here({{"global_keyprefix", "other:"}});
  with.connection.urls.replace(0, std::string{"redis://"}.size(), "redis://shop:secret@");
  open(with);
  auto const refused = publish({message("a")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::bad_config);
  EXPECT_THAT(refused.error().text(), HasSubstr("NOPERM"));
  auto const consumer = on_->make_consumer({{queue_name{"q"}}, "t"}, 20s);
  ASSERT_FALSE(consumer);
  EXPECT_EQ(consumer.error().code, errc::bad_config);
}

/// Those that must outlive everybody: messages, who holds them, and where they go.
std::vector<std::string> const durable{"q",
                                       "q\x06\x16"
                                       "9",
                                       "_kombu.binding.q",
                                       "_kombu.binding.news",
                                       "unacked",
                                       "unacked_index",
                                       "lovage.dead",
                                       "lovage.dead.index",
                                       "lovage.dead.number",
                                       "lovage.delayed",
                                       "lovage.counts",
                                       "lovage.queues",
                                       "lovage.paused"};

// What a program leaves that is killed is what there is while it lives.
TEST_F(RedisKeys, ThatAKilledProgramLeavesExpireUnlessTheyAreMessages) {
  auto const one = shop("");
  one.work("");
  one.leave_behind();
  EXPECT_TRUE(eventually([&] { return ask({"KEYS", "lovage.started.*"}).items.size() == 1; }));
  EXPECT_EQ(number({"SCARD", "_kombu.binding.reply.celery.pidbox"}), 1);
  EXPECT_THAT(lasting_keys(), IsSubsetOf(durable));
}

TEST_F(RedisKeys, ThatAProgramLeavesInOrderExpireUnlessTheyAreMessages) {
  {
    auto const one = shop("");
    one.work("");
    one.leave_behind();
  }
  EXPECT_THAT(lasting_keys(), IsSubsetOf(durable));
  EXPECT_EQ(number({"EXISTS", "unacked", "unacked_index", "_kombu.binding.reply.celery.pidbox"}), 0);
  EXPECT_EQ(number({"LLEN", "q"}), 2) << "what it held is given back";
  for (auto const& key : ask({"KEYS", "*"}).items)
    if (number({"TTL", key.text}) > 0) {
      EXPECT_THAT(key.text, ::testing::AnyOf(StartsWith("lovage.producer."), "nobody's replies", "lovage.revoked"));
    }
}

// Killed programs leave bindings of their mailboxes behind, Celery's for ever.
TEST_F(RedisKeys, OfOtherMailboxesAreNotReadToAnswerOne) {
  open();
  queue_spec box;
  box.name = queue_name{"me.reply.celery.pidbox"};
  box.exchange = "reply.celery.pidbox";
  box.exchange_type = "direct";
  box.routing_key = "me";
  auto const inbox = on_->make_inbox(box, 10s).value();
  auto answer = to_exchange("answer", "reply.celery.pidbox", "me");
  answer.must_route = false;
  forget_calls();
  send({answer});
  EXPECT_EQ(inbox->take(10s).value().at(0).body, "answer");
  EXPECT_EQ(calls()["smembers"], 0);
}

// A task may name any queue for its reply.
TEST_F(RedisKeys, OfQueuesDoNotExpireWhenAReplyIsPutThere) {
  open();
  auto reply = message("reply");
  reply.must_route = false;
  send({message("task")});
  send({reply});
  EXPECT_EQ(number({"TTL", "q"}), -1);
  (void)ask({"DEL", "q"});
  send({reply});
  EXPECT_GT(number({"TTL", "q"}), 86'000);
  send({message("task")});
  EXPECT_EQ(number({"TTL", "q"}), -1);
  auto const from = consume();
  EXPECT_THAT(bodies(*from, 2), ElementsAre("reply", "task"));
}

}  // namespace
}  // namespace lovage::broker
