#include "broker_conformance.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

namespace lovage::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TEST_P(BrokerConformance, removes_what_is_done) {
  send({message("a"), message("b")});
  auto const from = consume({"q"}, 1);
  auto const got = take_one(*from);
  expect_ready(1);
  expect_claimed(1);
  settle(*from, got.tag, disposition::done);
  expect_claimed(0);
  EXPECT_EQ(take_one(*from).envelope.body, "b");
  from->close();
  expect_ready(1);
}

TEST_P(BrokerConformance, counts_a_requeue_but_not_a_release_and_both_keep_their_place) {
  send({message("a")});
  if (able_.keeps_place) send({message("b")});
  auto const from = consume();
  auto got = take_one(*from);
  settle(*from, got.tag, disposition::release);
  got = take_one(*from);
  EXPECT_EQ(got.envelope.body, "a");
  EXPECT_EQ(got.attempts, 0U);
  settle(*from, got.tag, disposition::requeue);
  got = take_one(*from);
  EXPECT_EQ(got.envelope.body, "a");
  EXPECT_EQ(got.attempts, 1U);
  EXPECT_TRUE(got.redelivered);
  EXPECT_EQ(got.envelope, message("a").envelope);
  settle(*from, got.tag, disposition::requeue);
  EXPECT_EQ(take_one(*from).attempts, 2U);
}

TEST_P(BrokerConformance, buries_shows_redrives_and_purges) {
  if (!able_.dead_set) GTEST_SKIP() << GetParam().name << " declares no dead set";
  send({message("a", 7), message("b"), message("c", 0, "other")});
  auto const from = consume({"q", "other"});
  auto taken = take(*from, 3);
  std::sort(taken.begin(), taken.end(), [](auto& l, auto& r) { return l.envelope.body < r.envelope.body; });
  for (auto const& d : taken) {
    from->started(d.tag);
    settle(*from, d.tag, disposition::bury, "why " + d.envelope.body);
  }
  expect_dead(2);
  expect_claimed(0);
  auto const all = inspector_->dead({}, 100).value();
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].reason, "why a");
  EXPECT_LE(all[0].died_at, now());
  EXPECT_GT(all[0].died_at, now() - 1min);
  EXPECT_THAT(inspector_->dead({}, 2).value(), SizeIs(2));
  EXPECT_THAT(inspector_->dead(queue_name{"other"}, 9).value(), SizeIs(1));
  auto const one = inspector_->dead_one(all[0].id).value();
  ASSERT_TRUE(one);
  EXPECT_EQ(one->envelope, message("a", 7).envelope);
  EXPECT_FALSE(inspector_->dead_one(123456).value());

  std::vector<std::uint64_t> const first{all[0].id};
  EXPECT_EQ(inspector_->redrive({}, first).value(), 1U);
  auto const again = take_one(*from);
  EXPECT_EQ(again.envelope, message("a", 7).envelope);
  EXPECT_EQ(again.priority, 7);
  EXPECT_EQ(again.attempts, 0U);
  EXPECT_EQ(inspector_->purge_dead(queue_name{"other"}, {}).value(), 1U);
  EXPECT_EQ(inspector_->redrive({}, {}).value(), 1U);
  EXPECT_EQ(take_one(*from).envelope.body, "b");
  EXPECT_EQ(inspector_->redrive({}, {}).value(), 0U);
}

TEST_P(BrokerConformance, wakes_a_sleeper_by_redriving) {
  if (!able_.dead_set) GTEST_SKIP() << GetParam().name << " declares no dead set";
  send({message("a")});
  auto const from = consume();
  settle(*from, take_one(*from).tag, disposition::bury, "x");
  std::thread sleeper{[&] { EXPECT_THAT(bodies(from->claim(1, 60s).value()), ElementsAre("a")); }};
  EXPECT_EQ(inspector_->redrive(queue_name{"q"}, {}).value(), 1U);
  sleeper.join();
}

TEST_P(BrokerConformance, purges_what_waits_but_not_what_is_claimed) {
  auto later = message("later");
  later.due = now() + 1h;
  send({message("a"), message("b"), message("c", 0, "other")});
  if (able_.counts_delayed) send({later});
  auto const from = consume({"q"}, 1);
  auto const got = take_one(*from);
  expect_ready(1);
  EXPECT_EQ(inspector_->purge(queue_name{"q"}).value(), able_.counts_delayed ? 2U : 1U);
  EXPECT_EQ(inspector_->purge(queue_name{"unknown"}).value(), 0U);
  expect_claimed(1);
  expect_ready(1, "other");
  settle(*from, got.tag, disposition::requeue);
  EXPECT_EQ(take_one(*from).envelope.body, "a");
  expect_nothing(*from);
}

TEST_P(BrokerConformance, gives_back_on_close_uncounted) {
  send({message("a"), message("b")});
  auto const from = consume();
  auto const got = take_one(*from);
  auto const other = consume();
  from->close();
  from->close();
  EXPECT_EQ(from->claim(1, 1s).error().code, errc::closed);
  std::vector<settlement> const late{{got.tag, disposition::done, {}}};
  EXPECT_EQ(from->settle(late, 1s).error().code, errc::closed);
  auto const back = take(*other, 2);
  EXPECT_THAT(bodies(back), UnorderedElementsAre("a", "b"));
  for (auto const& d : back) EXPECT_EQ(d.attempts, 0U);
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

TEST_P(BrokerConformance, passes_over_tags_of_others) {
  send({message("a")});
  auto const owner = consume();
  auto const tag = take_one(*owner).tag;
  auto const stranger = consume();
  for (auto const how : {disposition::done, disposition::requeue, disposition::release, disposition::bury})
    settle(*stranger, tag, how, "not mine");
  expect_claimed(1);
  expect_dead(0);
  expect_nothing(*stranger);
  owner->close();
  EXPECT_EQ(take_one(*stranger).attempts, 0U);
}

TEST_P(BrokerConformance, passes_over_tags_settled_before) {
  send({message("a")});
  auto const owner = consume();
  auto const old = take_one(*owner).tag;
  auto const heir = consume();
  settle(*owner, old, disposition::release);
  std::vector<delivery> again;  // a broker that pushes gives it to either
  for (auto const until = deadline::in(20s); again.empty() && !until.passed();) {
    again = heir->claim(1, 5ms).value();
    if (again.empty() && able_.pushes) again = owner->claim(1, 5ms).value();
  }
  ASSERT_THAT(bodies(again), ElementsAre("a"));
  EXPECT_EQ(again[0].attempts, 0U);
  settle(*owner, old, disposition::done);  // too late: it lives elsewhere now
  settle(*owner, old, disposition::bury, "not mine");
  expect_claimed(1);
  expect_dead(0);
  owner->close();
  heir->close();
  EXPECT_EQ(take_one(*consume()).envelope.body, "a");
}

TEST_P(BrokerConformance, gives_no_tag_twice) {
  auto const from = consume();
  std::set<std::uint64_t> tags;
  for (int i = 0; i < 10; ++i) {
    send({message("a")});
    auto const tag = take_one(*from).tag;
    EXPECT_TRUE(tags.insert(tag).second);
    settle(*from, tag, disposition::done);
  }
}

}  // namespace
}  // namespace lovage::broker
