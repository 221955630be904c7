#include "monitor/figures.hpp"

#include "monitor/cluster.hpp"
#include "monitor/test_events.hpp"

#include <gtest/gtest.h>

namespace lovage::monitor {
namespace {

using namespace for_tests;
using namespace std::chrono_literals;

wire::event heartbeat(std::string const& type, double when, std::int64_t active = 0) {
  wire::event e;
  e.type = "worker-" + type;
  e.hostname = "w1@host";
  e.timestamp = when;
  e.pid = 7;
  e.fields = {{"freq", 2.0},     {"active", active},
              {"processed", 3},  {"sw_ident", "py-celery"},
              {"sw_ver", "5.2"}, {"loadavg", value::list{0.5, 1, 2.0}}};
  return e;
}

TEST(Distribution, PercentilesAreWithinFivePercent) {
  distribution d;
  for (int i = 1; i <= 1'000; ++i) d.add(i * 0.01);
  EXPECT_NEAR(*d.at(0.5), 5.0, 0.25);
  EXPECT_NEAR(*d.at(0.99), 9.9, 0.5);
  EXPECT_EQ(d.count(), 1'000U);
  EXPECT_EQ(distribution::unpacked(d.packed()), d);
  EXPECT_FALSE(distribution{}.at(0.5));
  EXPECT_EQ(distribution::unpacked("\xff\xff\xff").count(), 0U);
}

TEST(Figures, CountsAndMeasures) {
  figures f;
  f.add(received("a", noon), at(noon));
  f.add(started("a", noon + 1), at(noon + 1));
  f.add(succeeded("a", noon + 3, 2.0), at(noon + 3));
  auto const n = f.total(60s, at(noon + 3));
  EXPECT_EQ(n.received, 1U);
  EXPECT_EQ(n.succeeded, 1U);
  auto const took = f.took(300s, at(noon + 3));
  EXPECT_NEAR(*took.wait.at(0.5), 1.0, 0.05);
  EXPECT_NEAR(*took.run.at(0.5), 2.0, 0.1);
  EXPECT_EQ(f.total(60s, at(noon + 120)).received, 0U);
}

TEST(Figures, ASeriesHasColumnsOfOneLength) {
  figures f;
  for (int i = 0; i < 60; ++i) f.add(received("t" + std::to_string(i), noon + i), at(noon + i));
  f.set_backlog({{"high", 5}}, at(noon + 59));
  auto const s = f.recent(60s, 10s, at(noon + 60));
  ASSERT_EQ(s.received.size(), 6U);
  EXPECT_EQ(s.received[0], 10U);
  EXPECT_EQ(s.run_p95.size(), 6U);
  EXPECT_EQ(s.backlog.at("high").size(), 6U);
  EXPECT_EQ(s.backlog.at("high")[5], 5U);
}

TEST(Figures, MinutesGoOnAfterARestart) {
  figures first;
  first.add(received("a", noon), at(noon));
  auto const kept = first.take_minutes(at(noon + 5));
  ASSERT_EQ(kept.size(), 1U);
  figures second;
  second.resume(kept[0]);
  second.add(received("b", noon + 10), at(noon + 10));
  auto const minutes = second.take_minutes(at(noon + 61));
  ASSERT_EQ(minutes.size(), 1U);
  EXPECT_EQ(minutes[0].n.received, 2U);
  EXPECT_TRUE(second.take_minutes(at(noon + 62)).empty());
}

TEST(Cluster, AWorkerComesIsLostAndGoes) {
  cluster c;
  c.add(heartbeat("online", noon), at(noon));
  EXPECT_EQ(c.worker("w1@host")->software, "py-celery");
  c.tick(at(noon + 4));
  EXPECT_EQ(c.worker("w1@host")->state, worker_state::online);
  c.tick(at(noon + 6));
  EXPECT_EQ(c.worker("w1@host")->state, worker_state::lost);
  c.add(heartbeat("heartbeat", noon + 7, 2), at(noon + 7));
  EXPECT_EQ(c.worker("w1@host")->state, worker_state::online);
  EXPECT_EQ(c.worker("w1@host")->active, 2);
  c.add(heartbeat("offline", noon + 8), at(noon + 8));
  c.tick(at(noon + 60));
  EXPECT_EQ(c.worker("w1@host")->state, worker_state::offline);
  EXPECT_EQ(c.take_changed().size(), 1U);
  EXPECT_TRUE(c.take_changed().empty());
}

TEST(Cluster, KnowsWhatRuns) {
  cluster c;
  c.add(received("a", noon), at(noon));
  c.add(started("a", noon + 1), at(noon + 1));
  ASSERT_EQ(c.running().size(), 1U);
  EXPECT_EQ(c.running()[0].name, "shop.add");
  c.add(succeeded("a", noon + 2), at(noon + 2));
  EXPECT_TRUE(c.running().empty());
  c.add(started("a", noon + 1), at(noon + 3));
  EXPECT_TRUE(c.running().empty()) << "a start that is told late";
  c.add(started("a", noon + 9), at(noon + 9));
  EXPECT_EQ(c.running("w1@host").size(), 1U);
  c.add(heartbeat("offline", noon + 10), at(noon + 10));
  EXPECT_TRUE(c.running().empty());
}

TEST(Cluster, AWorkerOfBeforeIsOfflineUntilItIsHeardAgain) {
  cluster c;
  std::vector<worker_record> of_before(2);
  of_before[0].name = "w1@host", of_before[1].name = "w2@host";
  for (auto& w : of_before) w.pid = 7, w.since = at(noon - 500), w.heard = at(noon - 100);
  c.remember(of_before);
  EXPECT_EQ(c.take_changed().size(), 2U);
  c.tick(at(noon));
  EXPECT_EQ(c.worker("w1@host")->state, worker_state::offline);
  c.add(started("a", noon + 1), at(noon + 1));
  EXPECT_EQ(c.worker("w1@host")->state, worker_state::online);
  EXPECT_EQ(c.worker("w1@host")->since, at(noon - 500)) << "it ran all the time";
  c.tick(at(noon + 60));
  EXPECT_EQ(c.worker("w1@host")->state, worker_state::lost);
  EXPECT_EQ(c.worker("w2@host")->state, worker_state::offline);
  c.remember(of_before);
  EXPECT_EQ(c.worker("w1@host")->heard, at(noon + 1)) << "known already";
}

TEST(Cluster, ForgetsTheOldestBeyondItsBounds) {
  cluster c;
  for (int i = 0; i < 10'010; ++i) c.add(started("t" + std::to_string(i), noon + i), at(noon + i));
  EXPECT_EQ(c.running_count(), cluster::most_tasks);
  for (int i = 0; i < 1'005; ++i) {
    auto e = heartbeat("heartbeat", noon);
    e.hostname = "w" + std::to_string(i) + "@far";
    c.add(e, at(noon + 20'000 + i));
  }
  EXPECT_EQ(c.workers().size(), cluster::most_workers);
}

}  // namespace
}  // namespace lovage::monitor
