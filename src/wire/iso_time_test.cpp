#include "wire/result_record.hpp"
#include "wire/scalar_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage::wire {
namespace {

/// What is read, written again; or "ERROR ...".
std::string reread(std::string_view text) {
  auto const d = parse_iso(text);
  return d ? to_iso(*d) : "ERROR " + d.error().text();
}

TEST(iso_time, writes_six_digits_or_none_and_an_offset_only_when_aware) {
  EXPECT_EQ(to_iso(datetime{0, 0}), "1970-01-01T00:00:00+00:00");
  EXPECT_EQ(to_iso(datetime{1577934245000005, 0}), "2020-01-02T03:04:05.000005+00:00");
  EXPECT_EQ(to_iso(datetime{1577934245000000, std::nullopt}), "2020-01-02T03:04:05");
  EXPECT_EQ(to_iso(datetime{1577934245000000, -19800}), "2020-01-02T03:04:05-05:30");
  EXPECT_EQ(to_iso(datetime{-1, 3601}), "1969-12-31T23:59:59.999999+01:00:01");
}

TEST(iso_time, writes_any_year_that_fits_the_type) {
  EXPECT_EQ(to_iso(datetime{INT64_MIN, std::nullopt}), "-290308-12-21T19:59:05.224192");
  EXPECT_EQ(to_iso(datetime{INT64_MAX, std::nullopt}), "294247-01-10T04:00:54.775807");
  EXPECT_EQ(to_iso(datetime{-62135596800000000, 0}), "0001-01-01T00:00:00+00:00");
}

TEST(iso_time, reads_everything_that_5_2_and_5_6_read) {
  auto const *whole = "2020-01-02T03:04:05+00:00", *half = "2020-01-02T03:04:05.500000+00:00";
  for (auto const* text :
       {"2020-01-02T03:04:05Z", "2020-01-02T03:04:05z", "2020-01-02 03:04:05+00:00", "2020-01-02x03:04:05+00:00",
        "20200102T030405Z", "2020-01-02T03:04:05-0000", "2020-01-02T03:04:05+00", "2020-1-2T03:04:05Z",
        "2020-002T03:04:05Z", "2020-W01-4T03:04:05Z"})
    EXPECT_EQ(reread(text), whole) << text;
  for (auto const* text : {"2020-01-02T03:04:05.5Z", "2020-01-02T03:04:05,5Z", "2020-01-02T03:04:05.500000000Z"})
    EXPECT_EQ(reread(text), half) << text;
  EXPECT_EQ(reread("2020-01-02T03:04:05.123456789Z"), "2020-01-02T03:04:05.123456+00:00");
  EXPECT_EQ(reread("2020-01-02T03:04:05+0230"), "2020-01-02T03:04:05+02:30");
  EXPECT_EQ(reread("2020-01-02T03:04:05-05:30"), "2020-01-02T03:04:05-05:30");
  EXPECT_EQ(reread("2020-01-02T03:04:05+01:02:03"), "2020-01-02T03:04:05+01:02:03");
}

TEST(iso_time, takes_a_time_without_offset_as_naive) {
  EXPECT_EQ(reread("2020-01-02"), "2020-01-02T00:00:00");
  EXPECT_EQ(reread("20200102"), "2020-01-02T00:00:00");
  EXPECT_EQ(reread("2020-02"), "2020-02-01T00:00:00");
  EXPECT_EQ(reread("2020"), "2020-01-01T00:00:00");
  EXPECT_EQ(reread("2020-01-02T03:04"), "2020-01-02T03:04:00");
  EXPECT_EQ(reread("2020-01-02T03"), "2020-01-02T03:00:00");
  EXPECT_EQ(reread("2020-01-02T24:00"), "2020-01-03T00:00:00");
}

TEST(iso_time, refuses_what_is_no_time_naming_the_byte) {
  EXPECT_EQ(reread(""), "ERROR not an ISO 8601 time: a year needs four digits (byte 0)");
  EXPECT_EQ(reread("2020-13-01"), "ERROR not an ISO 8601 time: no such month (byte 10)");
  EXPECT_EQ(reread("2020-01-02T03:04:05 UTC"), "ERROR not an ISO 8601 time: unexpected text after the time (byte 19)");
  for (auto const* text : {"soon",
                           "200003",
                           "2020-00-03",
                           "2020-01-00",
                           "202",
                           "0000-01-01",
                           "2020-02-30",
                           "2021-02-29",
                           "2020-366T25:00",
                           "2021-366",
                           "2020-01-02T",
                           "2020-01-02T25:00",
                           "2020-01-02T24:01",
                           "2020-01-02T03:60",
                           "2020-01-02T03:04:60",
                           "2020-01-02T03:04:05.Z",
                           "2020-01-02T03:04:05+",
                           "2020-01-02T03:04:05+1",
                           "2020-01-02T03:04:05+24:00",
                           "2020-01-02T03:04:05ZZ",
                           "9999-12-31T24:00",
                           "2020-W54-1",
                           "2020-W01-8",
                           "-2020-01-01",
                           "99999999999999999999"})
    EXPECT_FALSE(parse_iso(text)) << text;
}

TEST(iso_time, converts_every_day_there_and_back) {
  for (std::int64_t day = -719162; day <= 2932896; day += 97) {
    datetime const d{day * 86'400'000'000 + 1, std::nullopt};
    ASSERT_EQ(parse_iso(to_iso(d)).value(), d) << to_iso(d);
  }
}

TEST(iso_time, reads_dates_and_times_of_day) {
  EXPECT_EQ(*parse_iso_date("2020-01-02"), date{18263});
  EXPECT_EQ(to_iso(date{18263}), "2020-01-02");
  EXPECT_EQ(*parse_iso_time("03:04:05.6"), time_of_day{11045600000});
  EXPECT_EQ(to_iso(time_of_day{11045600000}), "03:04:05.600000");
  EXPECT_FALSE(parse_iso_time("03:04:05+00:00"));
  EXPECT_FALSE(parse_iso_time("24:00"));
}

}  // namespace
}  // namespace lovage::wire
