#include <lovage/iso_time.hpp>
#include <lovage/schedule.hpp>

#include <gtest/gtest.h>

namespace lovage {
namespace {

using namespace std::chrono_literals;

time_point utc(char const* text) { return iso_to_datetime(text).value().to_time_point(); }
schedule read(std::string_view text) { return schedule::parse(text).value(); }

TEST(Schedule, IsReadFromTextAndWrittenAsText) {
  for (auto const& [text, canonical] :
       {std::pair{"every 30s", "every 30s"},
        {"@every 1h30m", "every 1h30m"},
        {"90", "every 1m30s"},
        {"0.5", "every 0.5s"},
        {"every 1d from 2026-11-30T08:00:00+01:00", "every 1d from 2026-11-30T07:00:00+00:00"},
        {"@hourly", "0 * * * *"},
        {"@weekly", "0 0 * * 0"},
        {"@yearly", "0 0 1 1 *"},
        {"solar sunset 52.5 -13.4", "solar sunset 52.5 -13.4"},
        {"at 2026-11-30T08:00:00+01:00", "at 2026-11-30T07:00:00+00:00"},
        {"at 2026-11-30 08:00Z", "at 2026-11-30T08:00:00+00:00"}}) {
    EXPECT_EQ(read(text).text(), canonical);
    EXPECT_EQ(read(canonical), read(text));
  }
}

TEST(Schedule, RefusesWhatItCannotMean) {
  for (auto const& [text, word] : {std::pair{"", "empty"},
                                   {"every", "\"\" is no period"},
                                   {"every 5 minutes", "\"5minutes\" is no period"},
                                   {"every 0s", "a millisecond at least"},
                                   {"every never", "a millisecond at least"},
                                   {"-5", "a millisecond at least"},
                                   {"nan", "no schedule"},
                                   {"every 1000000w", "a century at most"},
                                   {"every 1h from yesterday", "\"yesterday\" is no moment"},
                                   {"@reboot", "none of @hourly"},
                                   {"solar sunset", "written as solar sunset"},
                                   {"solar moonrise 1 2", "is no event of the sun; there are dawn_astronomical"},
                                   {"solar sunset 91 2", "latitude"},
                                   {"solar sunset 1 -181", "longitude"},
                                   {"solar sunset x 1", "\"x\" is no number"},
                                   {"at noon", "no moment"},
                                   {"at 2026-11-30T08:00:00", "write Z or an offset"},
                                   {"at 0000-01-01T00:00:00Z", "outside years 1 to 9999"}}) {
    auto const got = schedule::parse(text);
    ASSERT_FALSE(got) << text;
    EXPECT_NE(got.error().text().find(word), std::string::npos) << got.error().text();
    EXPECT_EQ(got.error().code, errc::invalid_argument);
  }
}

TEST(Schedule, EveryCountsFromItsStartOrTheEpoch) {
  schedule const hourly{every{1h}};
  EXPECT_EQ(hourly.next(utc("2026-11-30T08:00:00Z")), utc("2026-11-30T09:00:00Z"));
  EXPECT_EQ(hourly.next(utc("2026-11-30T08:59:59.999999Z")), utc("2026-11-30T09:00:00Z"));
  EXPECT_EQ(hourly.previous(utc("2026-11-30T08:00:00Z")), utc("2026-11-30T07:00:00Z"));
  EXPECT_EQ(hourly.next(utc("1969-12-31T22:30:00Z")), utc("1969-12-31T23:00:00Z"));
  schedule const shifted{every{10min}.from(utc("2026-11-30T08:03:00Z"))};
  EXPECT_EQ(shifted.next(utc("2020-01-01T00:00:00Z")), utc("2026-11-30T08:13:00Z")) << "one period after its start";
  EXPECT_EQ(shifted.next(utc("2026-11-30T08:13:00Z")), utc("2026-11-30T08:23:00Z"));
  EXPECT_EQ(shifted.previous(utc("2026-11-30T08:23:00Z")), utc("2026-11-30T08:13:00Z"));
  EXPECT_EQ(shifted.previous(utc("2026-11-30T08:13:00Z")), std::nullopt);
  EXPECT_EQ(schedule{every{1ms}}.between(utc("2026-11-30T08:00:00Z"), utc("2027-11-30T08:00:00Z"), 5).size(), 5u);
  EXPECT_THROW(every{999us}, error);
}

TEST(Schedule, ClockedComesOnce) {
  auto const at = utc("2026-11-30T08:00:00Z");
  schedule const once{clocked{at}};
  EXPECT_EQ(once.next(at - 1us), at);
  EXPECT_EQ(once.next(at), std::nullopt);
  EXPECT_EQ(once.previous(at + 1us), at);
  EXPECT_EQ(once.previous(at), std::nullopt);
  EXPECT_EQ(once.between(at - 1h, at + 1h, 9), std::vector{at});
}

TEST(Schedule, BearsAnyMoment) {
  for (auto const& s : {schedule{crontab{"* * * * * Europe/Berlin"}}, schedule{every{1s}},
                        schedule{every{1s}.from(utc("9999-12-31T00:00:00Z"))}, schedule{solar{"sunset", 90, 180}},
                        schedule{clocked{time_point::max()}}}) {
    for (auto const at :
         {time_point::min(), time_point::max(), utc("0001-01-01T00:00:00Z"), utc("9999-12-31T23:59:59Z")}) {
      EXPECT_GT(s.next(at).value_or(time_point::max()), at == time_point::max() ? time_point::min() : at);
      EXPECT_LT(s.previous(at).value_or(time_point::min()), at == time_point::min() ? time_point::max() : at);
    }
  }
}

TEST(Schedule, TakesTheConfiguredZoneUnlessItHasOne) {
  EXPECT_EQ(read("0 4 * * *").settled("e", "Asia/Tokyo").value().text(), "0 4 * * * Asia/Tokyo");
  EXPECT_EQ(read("0 4 * * * UTC").settled("e", "Asia/Tokyo").value().text(), "0 4 * * * UTC");
  EXPECT_EQ(read("every 5s").settled("e", "Asia/Tokyo").value().text(), "every 5s");
  EXPECT_FALSE(read("0 4 * * *").settled("e", "Asia/Tokio"));
}

TEST(Schedule, SpeaksToPeople) {
  EXPECT_EQ(read("every 90s").words(), "every 1m30s");
  EXPECT_EQ(read("solar dawn_civil 52.5 13.4").words(), "at dawn civil at latitude 52.5, longitude 13.4");
  EXPECT_EQ(read("at 2026-11-30T08:00:00Z").words(), "once, at 2026-11-30T08:00:00+00:00");
}

TEST(Solar, FollowsTheSun) {
  schedule const sunset{solar{"sunset", 52.52, 13.40}};
  auto const at = sunset.next(utc("2026-06-21T12:00:00Z"));
  ASSERT_TRUE(at);
  EXPECT_NEAR(std::chrono::duration<double>(*at - utc("2026-06-21T19:33:15Z")).count(), 0, 60)
      << "timeanddate.com: 21:33";
  EXPECT_EQ(sunset.previous(*at + 1us), at);
  auto const following = sunset.next(*at);
  EXPECT_NEAR(std::chrono::duration<double>(*following - *at).count(), 86400, 120);
}

TEST(Solar, SkipsPolarDaysAndNights) {
  schedule const tromso{solar{"sunrise", 69.65, 18.96}};
  auto const first = tromso.next(utc("2026-12-01T00:00:00Z"));
  ASSERT_TRUE(first);
  EXPECT_GT(*first, utc("2027-01-10T00:00:00Z"));
  EXPECT_LT(*first, utc("2027-01-20T00:00:00Z"));
  EXPECT_TRUE(schedule{solar(std::string_view{"solar_noon"}, 90, 0)}.next(utc("2026-12-01T00:00:00Z")));
}

}  // namespace
}  // namespace lovage
