#include "beat/cron_walk.hpp"
#include "beat/scatter.hpp"

#include <lovage/iso_time.hpp>
#include <lovage/schedule.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <set>

namespace lovage {
namespace {

time_point moment(char const* text) { return iso_to_datetime(text).value().to_time_point(); }

/// What parsing a bad text says.
std::string complaint(std::string_view text) {
  auto const read = schedule::parse(text);
  return read ? "accepted: " + read->text() : read.error().text();
}
/// The text that a crontab's text becomes.
std::string written(std::string_view text) { return schedule::parse(text).value().text(); }

TEST(Crontab, ReadsCelerysGrammar) {
  EXPECT_EQ(crontab{"*/15 * * * *"}.sets().minutes, 1ull | 1ull << 15 | 1ull << 30 | 1ull << 45);
  EXPECT_EQ(crontab{"* 10-1/3 * * *"}.sets().hours, 1u << 10 | 1u << 13 | 1u << 16 | 1u << 19 | 1u << 22 | 1u << 1)
      << "every third of the wrapped list";
  EXPECT_EQ(crontab{"*/100 * * * *"}.sets().minutes, 1u) << "a long step leaves the first";
  EXPECT_EQ(crontab{"* * * * fri-mon"}.sets().weekdays, 0b1100011u);
  EXPECT_EQ(crontab{"* * * * Wednesday"}.sets().weekdays, 0b0001000u);
  EXPECT_EQ(crontab{"* * * jan,DEC *"}.sets().months, 0b1000'0000'0001u);
  EXPECT_EQ(crontab{"05,007 * * * *"}.sets().minutes, 1u << 5 | 1u << 7);
  EXPECT_EQ(crontab{"  1   2\t3 4 5 "}, crontab{"1 2 3 4 5"});
}

TEST(Crontab, ReadsMoreThanCelery) {
  EXPECT_EQ(crontab{"* * * * 7"}.sets().weekdays, 1u);
  EXPECT_EQ(crontab{"* * * * 5-7"}.sets().weekdays, 0b1100001u);
  EXPECT_EQ(crontab{"* * * * 1-7/2"}.sets().weekdays, 0b0101011u);
  EXPECT_EQ(crontab{"* * L * *"}.sets().days, 1u << 31);
  EXPECT_EQ(crontab{"* * * * fri#2"}.sets().weekdays, 1ull << (7 * 2 + 5));
  EXPECT_EQ(crontab{"* * * * friL"}, crontab{"* * * * 5L"});
  EXPECT_EQ(crontab{"* * * * mon,fri#2,sunL"}.sets().weekdays, 1ull << 1 | 1ull << 19 | 1ull << 42);
}

TEST(Crontab, HasCelerysNamesOfFields) {
  EXPECT_EQ(crontab{}.minute(0).hour("*/3").day_of_week("sat,sun"), crontab{"0 */3 * * 0,6"});
  EXPECT_EQ(crontab{}.day_of_month(1).month_of_year("jan"), crontab{"* * 1 1 *"});
  EXPECT_EQ(crontab::parse("*/5", "4", "*", "*", "mon").value(), crontab{"*/5 4 * * mon"});
  EXPECT_THROW(crontab{}.hour(24), error);
  EXPECT_THROW(crontab{}.day_of_month(31).month_of_year("2"), error);
  EXPECT_THROW(crontab{}.timezone("Mars/Base"), error);
}

TEST(Crontab, SaysWhatIsWrongWhereAndWhatToWrite) {
  EXPECT_EQ(complaint("60 * * * *"), "minute: \"60\" is outside 0 to 59 (60 * * * *)");
  EXPECT_EQ(complaint("* * 0 * *"), "day of month: \"0\" is outside 1 to 31 (* * 0 * *)");
  EXPECT_EQ(complaint("* * * * 8"), "day of week: \"8\" is outside 0 to 6 or 7 (* * * * 8)");
  EXPECT_EQ(complaint("5/10 * * * *"), "minute: \"5/10\" a step needs * or a range: write 5-59/10 (5/10 * * * *)");
  EXPECT_EQ(complaint("*/0 * * * *"), "minute: \"0\" a step is 1 at least (*/0 * * * *)");
  EXPECT_EQ(complaint("1-5/2/3 * * * *"), "minute: \"2/3\" a step is a number, as in */5 (1-5/2/3 * * * *)");
  EXPECT_EQ(complaint("1,,2 * * * *"), "minute: nothing stands between two commas of 1,,2 (1,,2 * * * *)");
  EXPECT_EQ(complaint("-5 * * * *"), "minute: \"-5\" is negative; numbers go from 0 to 59 (-5 * * * *)");
  EXPECT_EQ(complaint("* * ? * *"), "day of month: \"?\" is Quartz's; write * (* * ? * *)");
  EXPECT_EQ(complaint("* mon * * *"), "hour: \"mon\" names a day of the week; its field is the fifth (* mon * * *)");
  EXPECT_EQ(complaint("* * * xyz *"), "month: \"xyz\" is no number from 1 to 12 and no name of one (* * * xyz *)");
  EXPECT_EQ(complaint("H,5 * * * *"), "minute: \"H\" H stands alone in its field, as H, H(0-9) or H/5 (H,5 * * * *)");
  EXPECT_EQ(complaint("H/61 * * * *"), "minute: \"H/61\" has a step that is longer than its range (H/61 * * * *)");
  EXPECT_EQ(complaint("* * * * fri#6"), "day of week: \"fri#6\" after # comes a number from 1 to 5 (* * * * fri#6)");
  EXPECT_EQ(complaint("0 0 31 2 *"),
            "no such day ever comes: day of month, month and day of week must all three agree (0 0 31 2 *)");
  EXPECT_EQ(complaint("0 0 1-7 2 mon#5").substr(0, 17), "no such day ever ") << "the fifth is the 29th at least";
  EXPECT_EQ(complaint("* * * *").substr(0, 21), "this is no schedule: ");
  EXPECT_EQ(complaint("0 * * * * *").substr(0, 14), "6 fields: five");
  EXPECT_EQ(complaint("* * * * * europe/berlin"),
            "no time zone is called \"europe/berlin\", write Europe/Berlin (* * * * * europe/berlin)");
  EXPECT_EQ(complaint("CRON_TZ=Asia/Tokyo 0 4 * * *"),
            "the time zone stands last: 0 4 * * * Asia/Tokyo (CRON_TZ=Asia/Tokyo 0 4 * * *)");
}

TEST(Crontab, IsWrittenInItsShortestForm) {
  EXPECT_EQ(written("*/5 * * * *"), "*/5 * * * *");
  EXPECT_EQ(written("0-59 0-23 1-31 1-12 0-6"), "* * * * *");
  EXPECT_EQ(written("0 4 * * mon-fri Europe/Berlin"), "0 4 * * 1-5 Europe/Berlin");
  EXPECT_EQ(written("1,3,5,7,30 22-3 1,15,L */4 sun,5L,wed#1"), "1-7/2,30 0-3,22,23 1,15,L */4 0,3#1,5L");
  EXPECT_EQ(written("H H(0-5) H/7 H(1-6)/2 H"), "H H(0-5) H/7 H(1-6)/2 H");
  EXPECT_EQ(written("@daily Asia/Tokyo"), "0 0 * * * Asia/Tokyo");
}

TEST(Crontab, AsksForDayOfMonthAndWeekday) {
  schedule const friday13{crontab{"0 12 13 * fri"}};
  EXPECT_EQ(friday13.next(moment("2026-03-13T12:00:00Z")), moment("2026-11-13T12:00:00Z"));
}

TEST(Crontab, KnowsTheLastDaysOfMonths) {
  schedule const last{crontab{"0 0 L * *"}};
  EXPECT_EQ(last.next(moment("2028-01-31T00:00:00Z")), moment("2028-02-29T00:00:00Z"));
  EXPECT_EQ(last.next(moment("2028-02-29T00:00:00Z")), moment("2028-03-31T00:00:00Z"));
  schedule const last_friday{crontab{"0 0 * * 5L"}};
  EXPECT_EQ(last_friday.next(moment("2026-11-01T00:00:00Z")), moment("2026-11-27T00:00:00Z"));
  schedule const second_monday{crontab{"30 9 * * mon#2"}};
  EXPECT_EQ(second_monday.next(moment("2026-11-01T00:00:00Z")), moment("2026-11-09T09:30:00Z"));
  schedule const fifth{crontab{"0 0 * * sun#5"}};
  EXPECT_EQ(fifth.next(moment("2026-09-01T00:00:00Z")), moment("2026-11-29T00:00:00Z"));
}

TEST(Crontab, ComesBackAfterDecades) {
  schedule const leap{crontab{"0 0 29 2 mon"}};
  EXPECT_EQ(leap.next(moment("2024-03-01T00:00:00Z")), moment("2044-02-29T00:00:00Z"));
  EXPECT_EQ(leap.next(moment("2072-02-29T00:00:00Z")), moment("2112-02-29T00:00:00Z")) << "2100 has no 29 February";
  EXPECT_EQ(leap.previous(moment("2112-02-29T00:00:00Z")), moment("2072-02-29T00:00:00Z"));
}

TEST(Crontab, NextIsAlwaysLaterAndPreviousItsInverse) {
  for (auto const* text : {"* * * * *", "*/7 3,4 * * *", "0 0 1 1 *", "15 9 L * mon-fri", "0 4 * * * Europe/Berlin"}) {
    schedule const s = schedule::parse(text).value();
    auto at = moment("2026-03-27T23:59:59.999999Z");
    for (int i = 0; i < 50; ++i) {
      auto const after = s.next(at);
      ASSERT_TRUE(after && *after > at) << text;
      EXPECT_EQ(s.previous(*s.next(*after)), after) << text;
      at = *after;
    }
  }
}

TEST(Crontab, LimitsWhatItGivesForCatchingUp) {
  schedule const minutely{crontab{}};
  auto const from = moment("2026-01-01T00:00:00Z");
  EXPECT_EQ(minutely.between(from, from + std::chrono::minutes{3}, 100).size(), 3u) << "the last moment is in it";
  EXPECT_EQ(minutely.between(from, from + std::chrono::hours{24 * 365}, 100).size(), 100u);
  EXPECT_TRUE(minutely.between(from, from, 100).empty());
}

TEST(Crontab, HashesTheNameAndNothingElse) {
  schedule const h{crontab{"H 2 * * *"}};
  auto const report = h.settled("report").value(), cleanup = h.settled("cleanup").value();
  EXPECT_EQ(report, h.settled("report").value());
  EXPECT_NE(report, cleanup);
  EXPECT_EQ(report.text(), "12 2 * * * UTC") << "written down: it may not change with a release";
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 600; ++i)
    seen.insert(std::get<crontab>(h.settled("entry-" + std::to_string(i)).value().kind()).sets().minutes);
  EXPECT_GE(seen.size(), 58u) << "evenly over the hour";
}

TEST(Crontab, HashedStepsKeepTheirDistance) {
  for (int i = 0; i < 50; ++i) {
    auto const name = std::to_string(i);
    auto const sets = beats::without_hash(crontab{"H/15 H(8-17)/4 H H(1-6) H"}.sets(), name);
    EXPECT_EQ(std::popcount(sets.minutes), 4);
    auto const phase = std::countr_zero(sets.minutes);
    EXPECT_LT(phase, 15);
    EXPECT_EQ(sets.minutes, (1ull | 1ull << 15 | 1ull << 30 | 1ull << 45) << phase);
    EXPECT_EQ(sets.hours & ~0x3ff00u, 0u);
    EXPECT_EQ(std::popcount(sets.days), 1);
    EXPECT_LT(std::countr_zero(sets.days), 28) << "every month has such a day";
    EXPECT_EQ(sets.months & ~0x3fu, 0);
    EXPECT_EQ(std::popcount(sets.weekdays), 1);
    EXPECT_EQ(sets.hashed, 0u);
  }
}

TEST(Crontab, SpeaksToPeople) {
  auto const words = [](char const* text) { return schedule::parse(text).value().words(); };
  EXPECT_EQ(words("* * * * *"), "every minute");
  EXPECT_EQ(words("*/5 * * * *"), "every 5 minutes");
  EXPECT_EQ(words("0 4 * * 1-5 Europe/Berlin"), "at 04:00 on Monday to Friday, Europe/Berlin");
  EXPECT_EQ(words("30 6,18 * * *"), "at 06:30 and 18:30");
  EXPECT_EQ(words("5 * * * *"), "at minute 5 of every hour");
  EXPECT_EQ(words("*/10 8-18 * * *"), "every 10 minutes of hours 8 to 18");
  EXPECT_EQ(words("0 0 1,15,L 1-3 *"), "at 00:00 on day 1 and 15 and the last day of the month in January to March");
  EXPECT_EQ(words("0 9 * * mon#1,friL"), "at 09:00 on the first Monday and the last Friday");
  EXPECT_EQ(words("H 2 * * *"), "at a minute by its name (H 2)");
}

TEST(Crontab, IsSmall) {
  EXPECT_EQ(sizeof(cron_sets), 32u);
  EXPECT_EQ(sizeof(schedule), 40u);
}

TEST(Scatter, IsWithinItsWindowAndTheSameEverywhere) {
  using namespace std::chrono_literals;
  EXPECT_EQ(beats::spread_of("report", 10min), 478s) << "written down: it may not change with a release";
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    auto const s = beats::spread_of("entry-" + std::to_string(i), 10min);
    EXPECT_TRUE(s >= 0s && s < 10min);
    EXPECT_EQ(s % 1s, 0us);
    seen.insert(s / 1min);
  }
  EXPECT_EQ(seen.size(), 10u);
  EXPECT_EQ(beats::spread_of("report", 0s), 0us);
  auto const due = moment("2026-11-30T08:00:00Z");
  EXPECT_EQ(beats::jitter_of("report", due, 1min), beats::jitter_of("report", due, 1min));
  EXPECT_NE(beats::jitter_of("report", due, 1min), beats::jitter_of("report", due + 1h, 1min));
  EXPECT_LT(beats::jitter_of("report", due, 1us), 1us);
}

}  // namespace
}  // namespace lovage
