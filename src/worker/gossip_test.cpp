#include "worker/gossip.hpp"

#include <gmock/gmock.h>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

wire::event beat(std::string node, char const* type = "worker-heartbeat", double freq = 2) {
  wire::event e;
  e.type = type;
  e.hostname = std::move(node);
  e.fields = {{"freq", freq}};
  return e;
}

wire::event candidate(std::string node, std::int64_t pid, std::int64_t clock, char const* topic = "task") {
  wire::event e;
  e.type = "worker-elect";
  e.hostname = std::move(node);
  e.pid = pid;
  e.clock = clock;
  e.fields = {{"id", "el-1"}, {"topic", topic}, {"action", value::map{{"task", "t.add"}}}, {"cver", 1}};
  return e;
}

wire::event ack(std::string node) {
  wire::event e;
  e.type = "worker-elect-ack";
  e.hostname = std::move(node);
  e.fields = {{"id", "el-1"}};
  return e;
}

class Gossip : public ::testing::Test {
 protected:
  gossip::time const t0{1'000s};
  gossip g{"me@host", 42};
};

TEST_F(Gossip, FollowsWhoComesAndGoes) {
  EXPECT_THAT(g.hear(beat("a@host", "worker-online"), t0).log, ElementsAre("a@host joined the party"));
  EXPECT_THAT(g.hear(beat("a@host"), t0 + 2s).log, IsEmpty());
  EXPECT_THAT(g.hear(beat("me@host"), t0).log, IsEmpty()) << "one's own events do not count";
  EXPECT_THAT(g.others(t0 + 2s), ElementsAre("a@host"));
  EXPECT_THAT(g.hear(beat("a@host", "worker-offline"), t0 + 3s).log, ElementsAre("a@host left"));
  EXPECT_THAT(g.others(t0 + 3s), IsEmpty());
}

TEST_F(Gossip, MissesWhoIsSilentForTwiceItsRhythm) {
  (void)g.hear(beat("a@host"), t0);
  (void)g.hear(beat("slow@host", "worker-heartbeat", 60), t0);
  EXPECT_THAT(g.look(t0 + 4s).log, IsEmpty());
  EXPECT_THAT(g.look(t0 + 4001ms).log, ElementsAre("missed heartbeat from a@host"));
  EXPECT_THAT(g.look(t0 + 5s).log, IsEmpty());
  EXPECT_THAT(g.others(t0 + 5s), ElementsAre("slow@host"));
}

TEST_F(Gossip, AcknowledgesEveryCandidate) {
  auto const step = g.hear(candidate("a@host", 1, 10), t0);
  ASSERT_EQ(step.answers.size(), 1U);
  EXPECT_EQ(step.answers[0].type, "worker-elect-ack");
  EXPECT_EQ(*find(step.answers[0].fields, "id"), value{"el-1"});
}

TEST_F(Gossip, AppliesTheActionWhenItWins) {
  (void)g.hear(beat("a@host"), t0);
  auto const asked = g.elect("el-1", "task", value::map{{"task", "t.add"}});
  ASSERT_EQ(asked.answers.size(), 1U);
  EXPECT_EQ(asked.answers[0].type, "worker-elect");
  (void)g.hear(candidate("a@host", 1, 11), t0);
  (void)g.hear(candidate("me@host", 42, 10), t0);
  EXPECT_FALSE(g.hear(ack("a@host"), t0).won);
  auto const last = g.hear(ack("me@host"), t0);
  ASSERT_TRUE(last.won);
  EXPECT_EQ(*last.won->find("task"), value{"t.add"});
  EXPECT_FALSE(g.hear(ack("a@host"), t0).won) << "once";
}

TEST_F(Gossip, LeavesItToTheSmallestClockThenName) {
  (void)g.hear(beat("a@host"), t0);
  (void)g.elect("el-1", "task", {});
  (void)g.hear(candidate("me@host", 42, 10), t0);
  (void)g.hear(candidate("a@host", 1, 10), t0);
  (void)g.hear(ack("me@host"), t0);
  auto const last = g.hear(ack("a@host"), t0);
  EXPECT_FALSE(last.won);
  EXPECT_THAT(last.log, ElementsAre("node a@host.1 elected for 'el-1'"));
}

TEST_F(Gossip, DoesNotCountAcksOfElectionsThatItWasNotAskedFor) {
  (void)g.hear(candidate("a@host", 1, 10), t0);
  for (int i = 0; i < 5; ++i) EXPECT_THAT(g.hear(ack("a@host"), t0).log, IsEmpty());
}

TEST_F(Gossip, WinsNothingOfAnUnknownTopic) {
  (void)g.elect("el-1", "tea", {});
  (void)g.hear(candidate("me@host", 42, 10, "tea"), t0);
  auto const last = g.hear(ack("me@host"), t0);
  EXPECT_FALSE(last.won);
  EXPECT_THAT(last.log, ElementsAre("won the election 'el-1' of the unknown topic 'tea'"));
}

}  // namespace
}  // namespace lovage::work
