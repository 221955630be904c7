#include "beat/schedule_value.hpp"

#include <gtest/gtest.h>

namespace lovage {
namespace {

std::string as_text(value const& v) {
  auto const read = beats::schedule_of_value(v);
  return read ? read->text() : read.error().text();
}

TEST(ScheduleValue, HasCelerysShapes) {
  EXPECT_EQ(as_text(value{30}), "every 30s");
  EXPECT_EQ(as_text(value{0.5}), "every 0.5s");
  EXPECT_EQ(as_text(value{"*/5 * * * *"}), "*/5 * * * *");
  EXPECT_EQ(as_text(value{value::map{{"minute", value{0}}, {"hour", value{"*/3"}}, {"day_of_week", value{"mon-fri"}}}}),
            "0 */3 * * 1-5");
  EXPECT_EQ(as_text(value{value::map{{"minute", value{value::list{value{0}, value{30}}}}, {"hour", value{}}}}),
            "0,30 * * * *");
  EXPECT_EQ(as_text(value{value::map{{"hour", value{4}}, {"minute", value{"H"}}, {"timezone", value{"Asia/Tokyo"}}}}),
            "H 4 * * * Asia/Tokyo");
  EXPECT_EQ(as_text(value{value::map{{"event", value{"sunset"}}, {"lat", value{52.5}}, {"lon", value{-13}}}}),
            "solar sunset 52.5 -13");
}

TEST(ScheduleValue, HasOurs) {
  EXPECT_EQ(as_text(value{value::map{{"every", value{"90m"}}}}), "every 1h30m");
  EXPECT_EQ(as_text(value{value::map{{"from", value{"2026-11-30T08:00:00Z"}}, {"every", value{60}}}}),
            "every 1m from 2026-11-30T08:00:00+00:00");
  EXPECT_EQ(as_text(value{value::map{{"at", value{"2026-11-30T08:00:00Z"}}}}), "at 2026-11-30T08:00:00+00:00");
}

TEST(ScheduleValue, SaysWhatIsWrong) {
  EXPECT_EQ(
      as_text(value{value::map{{"hours", value{4}}}}),
      "a schedule has no \"hours\"; it is made of minute, hour, day_of_month, month_of_year, day_of_week, timezone");
  EXPECT_EQ(as_text(value{value::map{{"minute", value{true}}}}), "\"minute\" is no number, text or list of them");
  EXPECT_EQ(as_text(value{value::map{{"minute", value{60}}}}), "minute: \"60\" is outside 0 to 59 (60)");
  EXPECT_EQ(as_text(value{}), "a schedule is a number of seconds, a text or a map");
  EXPECT_EQ(as_text(value{-1}), "a period is a millisecond at least and a century at most");
  EXPECT_EQ(as_text(value{value::map{}}).substr(0, 21), "the schedule is empty");
  EXPECT_EQ(as_text(value{value::map{{"event", value{"sunset"}}}}).substr(0, 30), "an event of the sun is written");
}

}  // namespace
}  // namespace lovage
