#include "beat/health_report.hpp"

#include <gmock/gmock.h>

namespace lovage::beats {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

health_facts one_that_leads() {
  health_facts f;
  f.name = f.leader = "one";
  f.leads = true;
  f.turned = f.now = std::chrono::steady_clock::time_point{1h};
  return f;
}

TEST(BeatHealth, is_ready_when_it_leads_or_knows_who_does) {
  auto f = one_that_leads();
  EXPECT_TRUE(readiness(f).good);
  f.leads = false, f.leader = "another";
  EXPECT_TRUE(readiness(f).good);
  EXPECT_THAT(readiness(f).json, HasSubstr(R"("leader": "another")"));
  f.leader.clear();
  EXPECT_FALSE(readiness(f).good);
  EXPECT_TRUE(liveness(f).good);
}

TEST(BeatHealth, is_alive_and_not_ready_while_the_store_is_away) {
  auto f = one_that_leads();
  f.store_trouble = "connection refused";
  EXPECT_TRUE(liveness(f).good);
  EXPECT_FALSE(readiness(f).good);
  EXPECT_THAT(readiness(f).json, HasSubstr("connection refused"));
  EXPECT_THAT(metrics_page(f), HasSubstr("lovage_beat_store_up 0\n"));
}

TEST(BeatHealth, is_not_ready_while_the_one_that_leads_cannot_send) {
  auto f = one_that_leads();
  f.send_trouble = "cannot send periodic tasks: connection refused";
  EXPECT_FALSE(readiness(f).good);
  f.leads = false;  // what it could not send is another's now
  EXPECT_TRUE(readiness(f).good);
  f.stopping = true;
  EXPECT_THAT(readiness(f).json, HasSubstr("shutting down"));
}

TEST(BeatHealth, is_not_alive_when_its_loop_does_not_come_round) {
  auto f = one_that_leads();
  f.now = f.turned + stuck_after - 1s;
  EXPECT_TRUE(liveness(f).good);
  f.now = f.turned + stuck_after;
  EXPECT_FALSE(liveness(f).good);
  EXPECT_FALSE(readiness(f).good);
  EXPECT_THAT(liveness(f).json, HasSubstr("stuck for 60 s"));
}

TEST(BeatHealth, tells_prometheus_what_it_counted) {
  auto f = one_that_leads();
  EXPECT_THAT(metrics_page(f), Not(HasSubstr("last_tick")));
  f.entries = 3, f.runs = {10, 2, 4, 1}, f.last_tick = time_point{1500ms};
  auto const page = metrics_page(f);
  for (auto const* line :
       {"lovage_beat_leader 1\n", "lovage_beat_entries 3\n", "lovage_beat_sent_total 10\n",
        "lovage_beat_late_total 2\n", "lovage_beat_left_out_total 4\n", "lovage_beat_refused_total 1\n",
        "lovage_beat_last_tick_timestamp_seconds 1.5", "# TYPE lovage_beat_sent_total counter\n"})
    EXPECT_THAT(page, HasSubstr(line));
}

}  // namespace
}  // namespace lovage::beats
