#include "beat/agenda.hpp"

#include <gmock/gmock.h>

namespace lovage::beats {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// 2026-11-30T08:00:00Z
constexpr time_point eight{std::chrono::seconds{1'796'025'600}};

entry entry_named(std::string name, schedule when, periodic_options with = {}) {
  return {std::move(name), std::move(when), "{}", std::move(with), origin::store, true, eight, {}, {}, 0};
}

class Agenda : public ::testing::Test {
 protected:
  void put(entry e) { on_->apply({{std::move(e)}, {}, false, 1}, now_); }
  // What is due now, decided: "name +seconds after eight", and a dash in front of what is not sent.
  std::vector<std::string> turn(std::size_t limit = 100) {
    std::vector<std::string> out;
    for (auto const& item : on_->step(now_, limit)) {
      auto const after = std::chrono::duration_cast<std::chrono::seconds>(item.due - eight).count();
      out.push_back((item.send ? "" : "-") + std::string{on_->name(item.at)} + " +" + std::to_string(after));
      on_->decided(item.at, item.due);
    }
    return out;
  }
  std::vector<std::string> turn_at(std::chrono::microseconds after_eight) {
    now_ = eight + after_eight;
    return turn();
  }

  std::optional<agenda> on_{std::in_place, agenda::options{}};
  time_point now_ = eight;
};

TEST_F(Agenda, gives_each_occurrence_once_when_it_is_due) {
  put(entry_named("tick", every{10s}));
  EXPECT_THAT(turn_at(9s), IsEmpty());
  EXPECT_EQ(on_->next(), eight + 10s);
  EXPECT_THAT(turn_at(10s), ElementsAre("tick +10"));
  EXPECT_THAT(turn_at(19s), IsEmpty());
  EXPECT_THAT(turn_at(20s), ElementsAre("tick +20"));
}

TEST_F(Agenda, gives_the_soonest_first_and_no_more_than_asked_for) {
  put(entry_named("slow", every{30s}));
  put(entry_named("quick", every{10s}));
  now_ = eight + 31s;
  EXPECT_THAT(turn(1), ElementsAre("quick +30"));
  EXPECT_THAT(turn(1), ElementsAre("slow +30"));
  EXPECT_THAT(turn(1), IsEmpty());
}

TEST_F(Agenda, of_many_missed_the_newest_runs_once) {
  put(entry_named("tick", every{10s}));
  EXPECT_THAT(turn_at(1h), ElementsAre("tick +3600"));
  EXPECT_THAT(turn(), IsEmpty());
}

TEST_F(Agenda, catches_up_with_none_but_one_that_is_hardly_late) {
  put(entry_named("hourly", every{1h}, periodic_options{}.catch_up(catch_up::none)));
  EXPECT_THAT(turn_at(1h + 59s), ElementsAre("hourly +3600"));
  EXPECT_THAT(turn_at(2h + 61s), ElementsAre("-hourly +7200"));
  EXPECT_THAT(turn_at(3h), ElementsAre("hourly +10800"));
}

TEST_F(Agenda, catches_up_with_all_in_order_within_the_grace) {
  put(entry_named("tick", every{10s}, periodic_options{}.catch_up(catch_up::all).grace(25s)));
  now_ = eight + 60s;
  EXPECT_THAT(turn(), ElementsAre("tick +40"));
  EXPECT_THAT(turn(), ElementsAre("tick +50"));
  EXPECT_THAT(turn(), ElementsAre("tick +60"));
  EXPECT_THAT(turn(), IsEmpty());
}

TEST_F(Agenda, after_a_long_outage_all_are_no_more_than_a_thousand) {
  now_ = eight + 24h;
  put(entry_named("tick", every{1s}, periodic_options{}.catch_up(catch_up::all)));
  std::size_t n = 0;
  for (auto some = turn(); !some.empty(); some = turn()) n += some.size();
  EXPECT_EQ(n, 1000U);
}

TEST_F(Agenda, a_crontab_missed_by_more_than_the_setting_is_passed_over) {
  on_.emplace(agenda::options{"UTC", 600s});
  put(entry_named("nine", crontab{"0 9 * * *"}));
  put(entry_named("own", crontab{"0 9 * * *"}, periodic_options{}.grace(2h)));
  EXPECT_THAT(turn_at(2h), ::testing::UnorderedElementsAre("-nine +3600", "own +3600"));
}

TEST_F(Agenda, crontabs_that_name_no_zone_run_in_that_of_the_settings) {
  on_.emplace(agenda::options{"Europe/Berlin", {}});
  put(entry_named("ten", crontab{"0 10 * * *"}));
  EXPECT_EQ(on_->next(), eight + 1h);
}

TEST_F(Agenda, sends_nothing_before_the_start_and_nothing_from_the_end_on) {
  put(entry_named("tick", every{10s}, periodic_options{}.start(eight + 20s).end(eight + 40s)));
  EXPECT_THAT(turn_at(19s), IsEmpty());
  EXPECT_THAT(turn_at(20s), ElementsAre("tick +20"));
  EXPECT_THAT(turn_at(45s), ElementsAre("tick +30"));
  EXPECT_EQ(on_->next(), std::nullopt);
}

TEST_F(Agenda, spread_and_jitter_send_later_but_leave_the_moment_that_it_is_due) {
  auto const with = periodic_options{}.spread(300s).jitter(60s);
  put(entry_named("hourly", every{1h}, with));
  auto const at = sending_time("hourly", eight + 1h, with);
  ASSERT_GT(at, eight + 1h);
  ASSERT_LT(at, eight + 1h + 360s);
  EXPECT_EQ(on_->next(), at);
  EXPECT_THAT(turn_at(at - eight - 1us), IsEmpty());
  EXPECT_THAT(turn_at(at - eight), ElementsAre("hourly +3600"));
}

TEST_F(Agenda, a_clock_that_is_set_back_stops_nothing_and_floods_nothing) {
  put(entry_named("tick", every{10s}));
  EXPECT_THAT(turn_at(24h), ElementsAre("tick +86400"));
  EXPECT_THAT(turn_at(5s), IsEmpty());
  EXPECT_THAT(turn_at(10s), ElementsAre("tick +10"));
  EXPECT_THAT(turn_at(48h), ElementsAre("tick +172800"));
}

TEST_F(Agenda, an_entry_of_a_clock_that_was_ahead_runs_by_this_one) {
  auto ahead = entry_named("tick", every{10s});
  ahead.counts_from = eight + 24h * 365;
  put(ahead);
  EXPECT_THAT(turn_at(10s), ElementsAre("tick +10"));
}

TEST_F(Agenda, changes_are_taken_over_and_what_is_paused_or_gone_rests) {
  put(entry_named("a", every{10s}));
  put(entry_named("b", every{10s}));
  put(entry_named("b", every{20s}));
  auto paused = entry_named("a", every{10s});
  paused.enabled = false;
  put(paused);
  EXPECT_THAT(turn_at(10s), IsEmpty());
  EXPECT_THAT(turn_at(20s), ElementsAre("b +20"));
  on_->apply({{}, {"b"}, false, 2}, now_);
  EXPECT_EQ(on_->next(), std::nullopt);
  on_->apply({{entry_named("c", every{10s})}, {}, true, 3}, now_);
  EXPECT_EQ(on_->size(), 1U);
  EXPECT_FALSE(on_->find("b"));
}

TEST_F(Agenda, what_could_not_be_decided_comes_again) {
  put(entry_named("tick", every{10s}));
  now_ = eight + 10s;
  auto const first = on_->step(now_, 9);
  ASSERT_THAT(first, SizeIs(1));
  on_->again_at(first[0].at, now_ + 1s);
  EXPECT_THAT(turn(), IsEmpty());
  EXPECT_THAT(turn_at(11s), ElementsAre("tick +10"));
}

TEST_F(Agenda, ten_thousand_entries_keep_their_order_whatever_is_changed) {
  std::uint64_t dice = 7;
  auto const roll = [&] { return (dice = dice * 6364136223846793005U + 1442695040888963407U) >> 33U; };
  for (int i = 0; i < 10'000; ++i) {
    auto const name = "e" + std::to_string(roll() % 3'000);
    if (roll() % 4 == 0) {
      on_->apply({{}, {name}, false, 1}, now_);
    } else {
      put(entry_named(name, every{std::chrono::seconds{1 + static_cast<int>(roll() % 900)}}));
    }
  }
  time_point before = eight;
  while (auto const next = on_->next()) {
    ASSERT_GE(*next, before);
    before = now_ = *next;
    for (auto const& item : on_->step(now_, 9)) on_->drop(item.at);
  }
  for (auto const at : on_->places()) EXPECT_TRUE(on_->find(on_->name(at)));
}

TEST(Occurrence, has_the_same_task_id_whoever_makes_it) {
  EXPECT_EQ(task_id_of("a", eight), task_id_of("a", eight));
  EXPECT_NE(task_id_of("a", eight), task_id_of("b", eight));
  EXPECT_NE(task_id_of("a", eight), task_id_of("a", eight + 1us));
  EXPECT_EQ(task_id_of("a", eight).str().at(14), '5');
}

TEST(Entry, is_read_as_it_was_written) {
  auto const with = periodic_options{}
                        .catch_up(catch_up::all)
                        .grace(90s)
                        .overlap(overlap::cancel)
                        .spread(10min)
                        .jitter(2s)
                        .start(eight)
                        .end(eight + 1h)
                        .one_off();
  auto const e = entry_named("a", crontab{"*/5 8-18 * * mon"}, with);
  auto const read = entry_of("a", definition_text(e)).value();
  EXPECT_EQ(read.when, e.when);
  EXPECT_EQ(read.call, e.call);
  EXPECT_EQ(read.with, e.with);
}

TEST(Entry, what_cannot_be_read_is_told_by_its_member) {
  auto const why = entry_of("a", R"({"schedule": "* * * * *", "call": "{}", "overlap": "never"})").error().text();
  EXPECT_THAT(why, ::testing::HasSubstr("'overlap' is none of allow, skip, queue, cancel"));
  EXPECT_EQ(entry_of("a", R"({"schedule": "* * * * *"})").error().code, errc::decode);
}

}  // namespace
}  // namespace lovage::beats
