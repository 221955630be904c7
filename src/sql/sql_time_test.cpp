#include "sql/sql_time.hpp"

#include <gtest/gtest.h>

namespace lovage::sql {
namespace {

time_point us(std::int64_t since_epoch) { return time_point{std::chrono::microseconds{since_epoch}}; }

TEST(SqlTime, IsWrittenWithMicroseconds) {
  EXPECT_EQ(write_sql_time(us(1'796'029'200'123'456)), "2026-11-30 09:00:00.123456");
  EXPECT_EQ(write_sql_time(us(-1)), "1969-12-31 23:59:59.999999");
}

TEST(SqlTime, WhatIsWrittenIsReadBack) {
  for (auto const at : {us(0), us(-1), us(951'782'400'000'001), us(253'402'300'799'999'999)})
    EXPECT_EQ(read_sql_time(write_sql_time(at)), at);
}

TEST(SqlTime, ReadsWhatTheDatabasesWrite) {
  EXPECT_EQ(read_sql_time("2026-11-30 09:00:00+00"), us(1'796'029'200'000'000));
  EXPECT_EQ(read_sql_time("2026-11-30T09:00:00Z"), us(1'796'029'200'000'000));
  EXPECT_EQ(read_sql_time("2026-11-30 14:30:00.5+05:30"), us(1'796'029'200'500'000));
  EXPECT_EQ(read_sql_time("2026-11-30 03:00:00-0600"), us(1'796'029'200'000'000));
  EXPECT_EQ(read_sql_time("2026-11-30 09:00:00.1234569"), us(1'796'029'200'123'456));
}

TEST(SqlTime, RefusesAllElse) {
  for (auto const* text :
       {"", "infinity", "2026-11-30", "2026-02-30 00:00:00", "2026-11-30 09:00", "0044-03-15 00:00:00 BC",
        "2026-11-30 09:00:00.", "2026-11-30 09:00:00 UTC", "2026-11-30 09:00:00+"})
    EXPECT_EQ(read_sql_time(text), std::nullopt) << text;
}

}  // namespace
}  // namespace lovage::sql
