// Who holds a message: leases that the living renew, and what becomes of those of the dead and the stopped.
#include "broker/redis/layout.hpp"
#include "broker_redis_fixture.hpp"
#include "child.hpp"

#include <gmock/gmock.h>

namespace lovage::broker {
namespace {

using testing::child;
using ::testing::ElementsAre;

std::string seconds(double n) { return std::to_string(n); }

double unix_time() { return std::chrono::duration<double>(system_now().time_since_epoch()).count(); }

class RedisLease : public RedisBroker {
 protected:
  void SetUp() override { open_with_short_lease(); }

  /// What kombu's restore_visible would take: everything whose score is this old by the clock of the Python worker.
  [[nodiscard]] std::size_t visible_to_python(double visibility_timeout) const {
    return ask({"ZREVRANGEBYSCORE", "unacked_index", seconds(unix_time() - visibility_timeout), "0"}).items.size();
  }
  /// A process that took `count` messages and began `started` of them.
  [[nodiscard]] std::unique_ptr<child> holder(int count, int started) const {
    auto out = std::make_unique<child>(std::vector<std::string>{LOVAGE_STORE_PEER, "hold", server_.url(), "q",
                                                                std::to_string(count), std::to_string(started),
                                                                "lovage_lease=" + seconds(seconds_of(lease))});
    EXPECT_EQ(out->line(), "held " + std::to_string(count));
    return out;
  }
  /// An entry as a Python worker leaves it that took `body` from `q` this many seconds ago.
  void leave_as_python(std::string const& tag, std::string const& body, double ago) const {
    send({message(body)});
    auto const envelope = ask({"RPOP", "q"}).text;
    (void)ask({"HSET", "unacked", tag, "[" + envelope + R"(, "", "q"])"});
    (void)ask({"ZADD", "unacked_index", seconds(unix_time() - ago), tag});
  }
};

TEST_F(RedisLease, LastsAsLongAsItsHolderLives) {
  auto const from = consume();
  send({message("long")});
  auto const held = take(*from, 1);
  from->started(held.at(0).tag);
  auto const other = consume();
  expect_nothing(*other, lease * 5 / 2);
  settle(*from, held);
  EXPECT_EQ(number({"EXISTS", "unacked", "unacked_index"}), 0);
}

TEST_F(RedisLease, IsNeverVisibleToPythonsRestoreWhileItsHolderLives) {
  auto const from = consume();
  send(messages(3));
  auto const held = take(*from, 3);
  for (auto const until = deadline::in(2 * lease); !until.passed();)
    ASSERT_EQ(visible_to_python(seconds_of(lease)), 0U);
  EXPECT_EQ(number({"ZCARD", "unacked_index"}), 3);
}

// All parties of a database have the same transport options; kombu acts on this one whatever lovage's lease is.
TEST_F(RedisLease, IsRenewedOftenEnoughForAVisibilityTimeoutThatIsShorter) {
  open({{"visibility_timeout", 0.8}});
  auto const from = consume();
  send({message("a")});
  auto const held = take(*from, 1);
  for (auto const until = deadline::in(2s); !until.passed();) ASSERT_EQ(visible_to_python(0.8), 0U);
}

TEST_F(RedisLease, IsOfThirtySecondsWhereNothingElseIsSaid) {
  EXPECT_EQ(redis_broker::read_options({}).value().lovage_lease, 30s);
}

// 45 s are one and a half leases.
TEST_F(RedisLease, OfAKilledHolderEndsWithinHalfALeaseMore) {
  send(messages(4));
  auto const killed = holder(3, 2);
  auto const heir = consume();
  EXPECT_THAT(bodies(*heir, 2, 2 * lease), ElementsAre("3")) << "the others have a living holder";
  killed->signal(SIGKILL);
  killed->wait();
  auto const from = steady::now();
  auto const got = take(*heir, 3);
  EXPECT_LT(since(from), lease * 3 / 2);
  EXPECT_THAT(bodies(got), ElementsAre("0", "1", "2")) << "in their order";
  for (auto const& d : got) EXPECT_TRUE(d.redelivered);
  EXPECT_EQ(got.at(0).attempts, 1U);
  EXPECT_EQ(got.at(2).attempts, 0U) << "it had not begun";
  settle(*heir, got);
}

TEST_F(RedisLease, OfAKilledHolderEndsAlsoForWhoComesOnlyThen) {
  send({message("a")});
  auto const killed = holder(1, 1);
  killed->signal(SIGKILL);
  killed->wait();
  auto const from = steady::now();
  auto const heir = consume();
  EXPECT_THAT(bodies(*heir, 1), ElementsAre("a"));
  EXPECT_LT(since(from), lease * 3 / 2);
}

TEST_F(RedisLease, LostWhileStoppedIsRecognisedBeforeTheMessageIsTakenAgain) {
  send(messages(2));
  auto const stopped = holder(2, 1);
  stopped->freeze();
  auto const reaping = consume({"other"});
  ASSERT_TRUE(eventually([&] { return number({"LLEN", "q"}) == 2; }));
  stopped->signal(SIGCONT);
  stopped->tell("done");
  EXPECT_EQ(stopped->line(), "settled");
  auto const from = consume();
  EXPECT_THAT(bodies(*from, 2), ElementsAre("0", "1")) << "not lost";
}

TEST_F(RedisLease, LostWhileStoppedIsRecognisedWhateverTheHolderSays) {
  send(messages(4));
  auto const stopped = holder(4, 4);
  stopped->freeze();
  auto const heir = consume();
  auto const got = take(*heir, 4);
  EXPECT_THAT(bodies(got), ElementsAre("0", "1", "2", "3"));
  stopped->signal(SIGCONT);
  stopped->tell("done requeue release bury");
  EXPECT_EQ(stopped->line(), "settled");
  EXPECT_EQ(number({"EXISTS", "q", "lovage.dead"}), 0) << "nothing is there twice";
  EXPECT_EQ(number({"HLEN", "unacked"}), 4) << "the heir's";
  settle(*heir, got);
  EXPECT_EQ(number({"EXISTS", "q", "unacked", "unacked_index"}), 0);
}

// A server that was away makes all leases look old, and the living renew only when it is back. Connecting again takes
// them up to two seconds, which must be little beside the lease.
TEST_F(RedisLease, OutlastsAServerThatWasSilentForLonger) {
  open({{"lovage_lease", 3}});
  auto const from = consume(), other = consume();
  send({message("a")});
  auto const held = take(*from, 1);
  server_.freeze();
  expect_nothing(*other, 3200ms);
  server_.thaw();
  expect_nothing(*other, 2s);
  settle(*from, held);
  EXPECT_EQ(number({"EXISTS", "q", "unacked", "unacked_index"}), 0);
}

TEST_F(RedisLease, IsRenewedOnAServerThatIsFull) {
  auto const from = consume(), other = consume();
  send({message("a")});
  auto const held = take(*from, 1);
  configure("maxmemory", "1");
  expect_nothing(*other, 2 * lease);
  settle(*from, held);
  EXPECT_EQ(number({"EXISTS", "q", "unacked", "unacked_index"}), 0);
}

// Whoever holds nothing would not notice, and take all leases for old ones as soon as the server obeys again.
TEST_F(RedisLease, OutlastsAServerThatRefusedToWriteForLonger) {
  auto const from = consume();
  send({message("a")});
  auto const held = take(*from, 1);
  auto const quick = make(here({{"lovage_lease", seconds_of(lease)}, {"visibility_timeout", 0.2}}));
  auto const idle = broker_steps::consume(*quick, {"other"}), idler = broker_steps::consume(*quick, {"other"});
  configure("min-replicas-to-write", "1");
  EXPECT_FALSE(eventually([&] { return number({"LLEN", "q"}) > 0; }, 2 * lease));
  configure("min-replicas-to-write", "0");
  EXPECT_FALSE(eventually([&] { return number({"LLEN", "q"}) > 0; }, lease));
  settle(*from, held);
  EXPECT_EQ(number({"EXISTS", "q", "unacked", "unacked_index"}), 0);
}

TEST_F(RedisLease, LeavesToLivingPythonsWhatTheyHold) {
  open({{"visibility_timeout", 3600}, {"lovage_lease", 0.3}});
  leave_as_python("living", "a", 3000);
  leave_as_python("dead", "b", 3601);
  auto const from = consume();
  auto const got = take(*from, 1);
  EXPECT_THAT(bodies(got), ElementsAre("b"));
  EXPECT_TRUE(got.at(0).redelivered);
  expect_nothing(*from, 600ms);
  EXPECT_EQ(number({"HEXISTS", "unacked", "living"}), 1);
  EXPECT_EQ(number({"HEXISTS", "unacked", "dead"}), 0);
  EXPECT_EQ(number({"EXISTS", "unacked_mutex"}), 0) << "kombu's lock is free again";
}

TEST_F(RedisLease, LeavesToPythonsWhatOneOfThemRestoresRightNow) {
  open({{"visibility_timeout", 0.2}, {"lovage_lease", 0.3}});
  (void)ask({"SET", "unacked_mutex", "a Python worker's", "PX", "60000"});
  leave_as_python("dead", "a", 10);
  auto const from = consume();
  expect_nothing(*from, 600ms);
  EXPECT_EQ(ask({"GET", "unacked_mutex"}).text, "a Python worker's");
  (void)ask({"DEL", "unacked_mutex"});
  EXPECT_THAT(bodies(*from, 1), ElementsAre("a"));
}

}  // namespace
}  // namespace lovage::broker
