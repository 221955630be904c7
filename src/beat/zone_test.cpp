// Every change of clocks from 2020 to 2030, of every zone that the system knows, against a search minute by minute.
#include "beat/zone.hpp"

#include <lovage/iso_time.hpp>
#include <lovage/schedule.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace lovage {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::seconds;

time_point zone_moment(char const* text) { return iso_to_datetime(text).value().to_time_point(); }
schedule zoned(std::string const& text, std::string const& zone) { return schedule::parse(text + " " + zone).value(); }
std::vector<time_point> all_between(schedule const& s, time_point after, time_point until) {
  return s.between(after, until, 100000);
}

struct clock_change {
  std::string zone;
  time_point at;
  seconds before, after;
  time_point local(time_point t) const { return t + (t < at ? before : after); }
};

std::vector<clock_change> changes_of(std::string const& zone, time_point from, time_point until) {
  std::vector<clock_change> out;
  auto const number = beats::zone_number(zone).value();
  auto span = beats::zone_at(number, from);
  while (span.end < until) {
    auto const following = beats::zone_at(number, span.end);
    if (following.offset != span.offset) out.push_back({zone, span.end, span.offset, following.offset});
    span = following;
  }
  return out;
}

/// Each change once, whatever the zones that share it are called.
std::vector<clock_change> all_changes() {
  auto const from = zone_moment("2020-01-01T00:00:00Z"), until = zone_moment("2031-01-01T00:00:00Z");
  std::vector<clock_change> out;
  std::set<std::tuple<time_point, seconds, seconds>> seen;
  for (auto const& zone : beats::zone_names())
    for (auto const& change : changes_of(zone, from, until))
      if (seen.emplace(change.at, change.before, change.after).second) out.push_back(change);
  return out;
}

/// What the policy says of a daily time within a day and a half of the change: the first minute at which the clock
/// shows it on each date, and if that date's clock never does, the change itself.
std::vector<time_point> daily_by_policy(clock_change const& change, std::chrono::minutes time) {
  std::vector<time_point> out;
  auto const from = change.at - 36h, until = change.at + 36h;
  for (auto date = std::chrono::floor<days>(change.local(from)); date <= change.local(until); date += days{1}) {
    time_point const nominal = date + time;
    auto due = nominal - change.before;
    if (due >= change.at) due = std::max(nominal - change.after, change.at);
    if (due > from && due <= until) out.push_back(due);
  }
  return out;
}

TEST(Zones, AreThere) {
  EXPECT_GT(beats::zone_names().size(), 400u);
  EXPECT_EQ(
      changes_of("Europe/Berlin", zone_moment("2020-01-01T00:00:00Z"), zone_moment("2031-01-01T00:00:00Z")).size(),
      22u);
  EXPECT_GT(all_changes().size(), 500u);
  EXPECT_EQ(beats::zone_name(beats::zone_number("Asia/Tokyo").value()), "Asia/Tokyo");
  EXPECT_EQ(beats::zone_at(beats::no_zone, zone_moment("2026-07-01T00:00:00Z")).offset, 0s);
  EXPECT_FALSE(beats::zone_number(""));
  EXPECT_FALSE(beats::zone_number("Europe/"));
}

TEST(Zones, LoseAndDoubleNoDailyTime) {
  for (auto const& change : all_changes())
    for (int quarter = 0; quarter < 96; ++quarter) {
      auto const text = std::to_string(quarter % 4 * 15) + " " + std::to_string(quarter / 4) + " * * *";
      ASSERT_EQ(all_between(zoned(text, change.zone), change.at - 36h, change.at + 36h),
                daily_by_policy(change, quarter * 15min))
          << text << " in " << change.zone << " at " << change.at.time_since_epoch().count();
    }
}

TEST(Zones, LoseAndDoubleNoWildcard) {
  for (auto const& change : all_changes()) {
    auto const from = change.at - 6h, until = change.at + 6h;
    for (auto const& [text, every] : {std::pair{"* * * * *", 1min}, {"*/15 * * * *", 15min}, {"0 * * * *", 60min}}) {
      std::vector<time_point> shown;
      for (auto t = from + 1min; t <= until; t += 1min)
        if (change.local(t).time_since_epoch() % every == 0s) shown.push_back(t);
      ASSERT_EQ(all_between(zoned(text, change.zone), from, until), shown) << text << " in " << change.zone;
    }
  }
}

TEST(Zones, FollowTheWrittenPolicy) {
  auto const runs = [](char const* text, char const* from, char const* until) {
    std::vector<std::string> out;
    for (auto const t : all_between(schedule::parse(text).value(), zone_moment(from), zone_moment(until)))
      out.push_back(schedule{clocked{t}}.text().substr(14, 5));
    return out;
  };
  using times = std::vector<std::string>;
  // Berlin, 29 March 2026: 02:00 is 03:00, 01:00 UTC.
  auto const spring = [&](char const* text) { return runs(text, "2026-03-28T23:30:00Z", "2026-03-29T04:00:00Z"); };
  EXPECT_EQ(spring("30 2 * * * Europe/Berlin"), times{"01:00"}) << "the first moment after the gap";
  EXPECT_EQ(spring("0,20,50 2 * * * Europe/Berlin"), times{"01:00"}) << "once";
  EXPECT_EQ(spring("0 2,3 * * * Europe/Berlin"), times{"01:00"}) << "also with one that is due then";
  EXPECT_EQ(spring("*/30 2 * * * Europe/Berlin"), times{"01:00"}) << "the day is not lost";
  EXPECT_EQ(spring("30 * * * * Europe/Berlin"), (times{"00:30", "01:30", "02:30", "03:30"})) << "no time has passed";
  EXPECT_EQ(spring("0 */2 * * * Europe/Berlin"), (times{"01:00", "02:00", "04:00"}))
      << "02:00 after the gap, 04:00, 06:00";
  // 25 October 2026: 03:00 is 02:00, 01:00 UTC.
  auto const autumn = [&](char const* text) { return runs(text, "2026-10-24T23:30:00Z", "2026-10-25T02:00:00Z"); };
  EXPECT_EQ(autumn("30 2 * * * Europe/Berlin"), times{"00:30"}) << "the first of the two";
  EXPECT_EQ(autumn("0,20 2 * * * Europe/Berlin"), (times{"00:00", "00:20"}));
  EXPECT_EQ(autumn("*/30 1-2 * * * Europe/Berlin"), (times{"00:00", "00:30", "01:00", "01:30"})) << "counts time: both";
  EXPECT_EQ(autumn("0 * * * * Europe/Berlin"), (times{"00:00", "01:00", "02:00"}));
}

}  // namespace
}  // namespace lovage
