// Many messages cost the server few commands, and none when there are none.
#include "broker_redis_fixture.hpp"

#include <gmock/gmock.h>

namespace lovage::broker {
namespace {

using ::testing::ElementsAre;

class RedisBatches : public RedisBroker {
 protected:
  static constexpr std::size_t many = 1'000;

  void SetUp() override { open(); }
  /// A consumer whose connections and scripts the server knows, and whose keeper has done its first round.
  [[nodiscard]] std::unique_ptr<consumer> settled_in() const {
    auto out = consume();
    send({message("first")});
    settle(*out, take(*out, 1));
    send({message("first")});
    settle(*out, take(*out, 1), disposition::bury);
    expect_nothing(*out);
    forget_calls();
    return out;
  }
  [[nodiscard]] int scripts_run() const { return calls()["evalsha"] + calls()["eval"]; }
};

TEST_F(RedisBatches, AreSentWithOneScript) {
  auto const from = settled_in();
  send(messages(many));
  EXPECT_EQ(scripts_run(), 1);
  EXPECT_EQ(calls()["lpush"], 1);
}

TEST_F(RedisBatches, AreFetchedWithOneScript) {
  auto const from = settled_in();
  send(messages(many));
  forget_calls();
  auto const got = from->claim(many, 10s).value();
  EXPECT_EQ(got.size(), many);
  EXPECT_LE(scripts_run(), 2) << "the one before had found nothing";
  EXPECT_EQ(number({"HLEN", "unacked"}), many);
}

TEST_F(RedisBatches, AreAcknowledgedWithOneCommandForEachKey) {
  auto const from = settled_in();
  send(messages(many));
  auto const got = take(*from, many);
  forget_calls();
  settle(*from, got);
  EXPECT_EQ(calls()["hdel"], 1);
  EXPECT_EQ(calls()["zrem"], 1);
  EXPECT_EQ(scripts_run(), 0);
  EXPECT_EQ(number({"EXISTS", "unacked", "unacked_index"}), 0);
}

TEST_F(RedisBatches, AreGivenBackWithOneScript) {
  auto const from = settled_in();
  send(messages(many));
  auto const got = take(*from, many);
  forget_calls();
  settle(*from, got, disposition::requeue);
  EXPECT_EQ(scripts_run(), 1);
  EXPECT_EQ(number({"LLEN", "q"}), many);
  EXPECT_EQ(from->claim(1, 10s).value().at(0).envelope.body, got.at(0).envelope.body);
}

TEST_F(RedisBatches, OfSeveralQueuesAndPrioritiesAreFetchedTogether) {
  auto urgent = messages(50, "a");
  for (auto& m : urgent) m.priority = 9;
  send(urgent);
  send(messages(100, "a"));
  send(messages(100, "b"));
  auto const from = consume({"a", "b"});
  auto const got = from->claim(many, 10s).value();
  EXPECT_EQ(got.size(), 250U);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].priority, i < 50 ? 9 : 0) << i;
}

TEST_F(RedisBatches, AreNotAskedForWhileThereIsNothing) {
  auto const from = settled_in();
  expect_nothing(*from, 500ms);
  EXPECT_LE(scripts_run(), 2);
  send({message("a")});
  EXPECT_THAT(bodies(*from, 1), ElementsAre("a"));
}

}  // namespace
}  // namespace lovage::broker
