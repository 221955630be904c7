// The server is away, silent, elsewhere, or takes no more.
#include "broker_redis_fixture.hpp"

#include <gmock/gmock.h>

namespace lovage::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::redis_server;
using ::testing::UnorderedElementsAre;

class RedisOutage : public RedisBroker {
 protected:
  void SetUp() override { open(with_heartbeat(600ms)); }
  [[nodiscard]] settings with_heartbeat(std::chrono::milliseconds heartbeat) const {
    auto with = here();
    with.connection.heartbeat = heartbeat;
    return with;
  }
};

/// A worker's loop: claims and settles until it is told to end.
class worker {
 public:
  explicit worker(consumer& from) : from_{from}, thread_{[this] { run(); }} {}
  ~worker() {
    stop_ = true;
    from_.interrupt();
    thread_.join();
  }
  worker(worker const&) = delete;
  worker& operator=(worker const&) = delete;
  [[nodiscard]] std::multiset<std::string> got() const {
    std::lock_guard const lock{mutex_};
    return got_;
  }
  [[nodiscard]] bool has(std::string const& body) const { return got().count(body) > 0; }

 private:
  void run() {
    while (!stop_) {
      auto const some = from_.claim(10, 1s);
      if (!some) continue;  // it connects again by itself
      std::vector<settlement> all;
      for (auto const& d : *some) all.push_back({d.tag, disposition::done, {}});
      (void)from_.settle(all, 20s);
      std::lock_guard const lock{mutex_};
      for (auto const& d : *some) got_.insert(d.envelope.body);
    }
  }
  consumer& from_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::multiset<std::string> got_;
  std::thread thread_;
};

TEST_F(RedisOutage, ARestartedServerIsConsumedFromAgainAndConsumingTellsWhen) {
  auto const from = consume();
  worker const loop{*from};
  EXPECT_TRUE(from->consuming());
  for (int i = 0; i < 3; ++i) {
    auto const body = std::to_string(i);
    server_.kill();
    EXPECT_TRUE(eventually([&] { return !from->consuming(); }, 5s));
    server_.start();
    auto const back = steady::now();
    send({message(body)});
    EXPECT_TRUE(eventually([&] { return from->consuming() && loop.has(body); }, 10s));
    EXPECT_LT(since(back), 10s);
  }
  EXPECT_THAT(loop.got(), ElementsAre("0", "1", "2"));
}

TEST_F(RedisOutage, ASilentServerIsNoticedWithinTheHeartbeatAndConsumedFromWhenItSpeaks) {
  auto const from = consume();
  worker const loop{*from};
  server_.freeze();
  auto const silent = steady::now();
  EXPECT_TRUE(eventually([&] { return !from->consuming(); }, 10s));
  EXPECT_LT(since(silent), 2s);
  EXPECT_FALSE(publish({message("late")}, 300ms));
  server_.thaw();
  auto const back = steady::now();
  EXPECT_TRUE(eventually([&] { return from->consuming(); }, 10s));
  send({message("a")});
  EXPECT_TRUE(eventually([&] { return loop.has("a"); }, 10s));
  EXPECT_LT(since(back), 10s);
}

// A worker whose pool is full claims nothing, and must be told all the same.
TEST_F(RedisOutage, ConsumingIsTrueToTheServerAlsoWhileNothingIsClaimed) {
  auto with = with_heartbeat(300ms);
  with.connection.options = {{"lovage_lease", 3}};
  open(with);
  auto const from = consume();
  EXPECT_TRUE(from->consuming());
  server_.kill();
  EXPECT_TRUE(eventually([&] { return !from->consuming(); }, 5s));
  server_.start();
  EXPECT_TRUE(eventually([&] { return from->consuming(); }, 10s));
  send({message("a")});
  EXPECT_THAT(bodies(*from, 1), ElementsAre("a"));
}

TEST_F(RedisOutage, WhatIsHeldOverARestartIsSettledAfterIt) {
  auto const from = consume();
  send(messages(3));
  auto const held = take(*from, 3);
  server_.restart();
  settle(*from, {held[0]});
  settle(*from, {held[1]}, disposition::requeue);
  settle(*from, {held[2]}, disposition::bury);
  EXPECT_THAT(bodies(*from, 1), ElementsAre("1"));
  EXPECT_EQ(number({"LLEN", "q"}), 0);
  EXPECT_EQ(number({"HLEN", "lovage.dead"}), 1);
}

TEST_F(RedisOutage, ASenderWaitsForTheServerUntilItsDeadlineAndSendsOnce) {
  server_.kill();
  auto const begun = steady::now();
  auto const refused = publish({message("lost")}, 300ms);
  EXPECT_EQ(refused.error().code, errc::unavailable);
  EXPECT_LT(since(begun), 1s);
  std::thread sender{[&] { EXPECT_TRUE(publish({message("a")}, 20s)); }};
  server_.start();
  sender.join();
  EXPECT_THAT(bodies(*consume(), 2, 300ms), ElementsAre("a"));
}

class RedisFull : public RedisBroker {
 protected:
  void SetUp() override {
    open();
    send(messages(4));
    auto later = message("later");
    later.due = system_now() + 200ms;
    send({later});
    configure("maxmemory", "1");
  }
};

TEST_F(RedisFull, SendersAreToldAndNothingOfABatchIsSent) {
  auto const refused = publish({message("a"), message("b")}, 20s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::no_space);
  EXPECT_THAT(refused.error().text(), HasSubstr("OOM command not allowed when used memory > 'maxmemory'"));
  EXPECT_THAT(refused.error().text(), Not(HasSubstr("script"))) << "which is nothing to the sender";
  configure("maxmemory", "0");
  EXPECT_EQ(number({"LLEN", "q"}), 4);
  send({message("c")});
  EXPECT_THAT(bodies(*consume(), 6), UnorderedElementsAre("later", "0", "1", "2", "3", "c"));
}

TEST_F(RedisFull, WorkersBeginTakeAndSettleAllTheSame) {
  auto const from = consume();
  EXPECT_TRUE(from->consuming());
  auto const got = take(*from, 5);
  EXPECT_EQ(got.size(), 5U) << "also what falls due meanwhile";
  settle(*from, {got[0], got[1]});
  settle(*from, {got[2]}, disposition::bury);
  settle(*from, {got[3], got[4]}, disposition::requeue);
  EXPECT_EQ(number({"HLEN", "lovage.dead"}), 1);
  settle(*from, take(*from, 2));
  EXPECT_EQ(number({"EXISTS", "q", "unacked", "unacked_index", "lovage.delayed"}), 0);
}

// Which is how one would ask the workers what is going on.
TEST_F(RedisFull, ChannelsCarryAllTheSame) {
  queue_spec pidbox;
  pidbox.name = queue_name{"node"};
  pidbox.exchange = "celery.pidbox";
  pidbox.exchange_type = "fanout";
  auto const node = on_->make_inbox(pidbox, 10s).value();
  auto ping = message("ping", "");
  ping.exchange = "celery.pidbox";
  send({ping});
  EXPECT_EQ(node->take(10s).value().at(0).body, "ping");
}

TEST_F(RedisFull, QueuesCanBePurgedAndPausedTheDeadRedrivenAndTasksRevoked) {
  auto const inspector = on_->make_inspector(10s).value();
  auto const from = consume();
  EXPECT_TRUE(inspector->pause(queue_name{"other"}));
  EXPECT_TRUE(inspector->resume(queue_name{"other"}));
  EXPECT_TRUE(inspector->revoke(std::vector<revocation>{{{}, "id", system_now() + 1h}}));
  settle(*from, {take(*from, 1)[0]}, disposition::bury);
  EXPECT_EQ(inspector->redrive({}, {}).value(), 1U);
  EXPECT_GE(inspector->purge(queue_name{"q"}).value(), 4U);
  EXPECT_EQ(number({"EXISTS", "q"}), 0);
}

// As when the disk is full, or replicas are missing.
TEST_F(RedisOutage, AServerThatRefusesToWriteIsAnErrorToSendersAndConsumedFromWhenItObeys) {
  send({message("a")});
  auto const from = consume();
  auto const held = take(*from, 1);
  configure("min-replicas-to-write", "1");
  auto const refused = publish({message("b")}, 300ms);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text(), HasSubstr("NOREPLICAS"));
  EXPECT_FALSE(from->claim(1, 200ms));
  EXPECT_FALSE(from->consuming());
  configure("min-replicas-to-write", "0");
  settle(*from, held);
  send({message("c")});
  EXPECT_THAT(bodies(*from, 1), ElementsAre("c"));
  EXPECT_TRUE(from->consuming());
}

class RedisFailover : public RedisBroker {
 protected:
  void SetUp() override {
    // Else it takes its ten seconds.
    (void)broker::ask(sentinel_.url(), {"SENTINEL", "DEBUG", "info-period", "100", "publish-period", "100"});
    ASSERT_TRUE(
        eventually([&] { return info(sentinel_.url(), "sentinel").find("slaves=1") != std::string::npos; }, 30s));
    auto with = at("sentinel://127.0.0.1:" + std::to_string(sentinel_.port()) + "/2");
    with.connection.options = {{"master_name", "mymaster"}};
    open(std::move(with));
  }
  [[nodiscard]] static std::string info(std::string const& url, char const* section) {
    return broker::ask(url, {"INFO", section}, lovage::redis::repeat::yes).text;
  }
  [[nodiscard]] static bool is(std::string const& role, redis_server const& server) {
    return info(server.url(), "replication").find("role:" + role) != std::string::npos;
  }
  [[nodiscard]] static std::int64_t claimed_at(redis_server const& server) {
    return broker::ask(server.url(2), {"HLEN", "unacked"}, lovage::redis::repeat::yes).integer;
  }

  redis_server second_{{"--replicaof", "127.0.0.1 " + std::to_string(server_.port())}};
  redis_server sentinel_ = redis_server::sentinel_of(server_);
};

TEST_F(RedisFailover, IsFollowedWhenTheMasterDies) {
  send(messages(3));
  auto const from = consume();
  auto const held = take(*from, 1);
  ASSERT_TRUE(eventually([&] { return claimed_at(second_) == 1; }));
  server_.kill();
  ASSERT_TRUE(eventually([&] { return is("master", second_); }, 30s));
  auto const changed = steady::now();
  EXPECT_THAT(bodies(*from, 2), ElementsAre("1", "2"));
  EXPECT_LT(since(changed), 10s);
  EXPECT_TRUE(from->consuming());
  settle(*from, held);
  send({message("new")});
  EXPECT_THAT(bodies(*from, 1), ElementsAre("new"));
  EXPECT_EQ(claimed_at(second_), 3);
}

// The old one lives on as a replica, and keeps the connections that it has.
TEST_F(RedisFailover, IsFollowedWhenTheMasterIsChangedInOrder) {
  auto const from = consume();
  send({message("a")});
  EXPECT_THAT(bodies(*from, 1), ElementsAre("a"));
  ASSERT_TRUE(eventually([&] { return claimed_at(second_) == 1; }));
  auto const demand = [&] { return broker::ask(sentinel_.url(), {"SENTINEL", "FAILOVER", "mymaster"}).text == "OK"; };
  auto asked = steady::time_point{};
  auto const is_changed = [&] {  // a sentinel that is short of time gives up what it has begun
    if (steady::now() - asked > 20s && demand()) asked = steady::now();
    return is("master", second_) && is("slave", server_);
  };
  ASSERT_TRUE(eventually(is_changed, 90s)) << "the sentinel does not know the replica well enough, or gave up";
  auto const changed = steady::now();
  send({message("b")});
  EXPECT_THAT(bodies(*from, 1), ElementsAre("b"));
  EXPECT_LT(since(changed), 10s);
  EXPECT_EQ(claimed_at(second_), 2);
}

}  // namespace
}  // namespace lovage::broker
