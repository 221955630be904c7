#include "worker/rate_limits.hpp"

#include <gtest/gtest.h>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;
using clock = rate_limits::clock;

constexpr clock::time_point start{1000s};

TEST(ReadRate, knows_seconds_minutes_and_hours) {
  EXPECT_DOUBLE_EQ(read_rate("10/s").value(), 10);
  EXPECT_DOUBLE_EQ(read_rate("120/m").value(), 2);
  EXPECT_DOUBLE_EQ(read_rate("7200/h").value(), 2);
  EXPECT_DOUBLE_EQ(read_rate("0.5/s").value(), 0.5);
  EXPECT_DOUBLE_EQ(read_rate(" 3 / s ").value(), 3);
  EXPECT_DOUBLE_EQ(read_rate("7").value(), 7);
  EXPECT_DOUBLE_EQ(read_rate("0").value(), 0);
  for (auto const* text : {"", "x", "10/d", "-1/s", "10/", "/s", "1e999/s", "10/s/s"})
    EXPECT_EQ(read_rate(text).error().code, errc::invalid_argument) << text;
}

TEST(RateLimits, let_the_first_go_and_hold_the_others_apart) {
  rate_limits r;
  r.set("t", 10);
  EXPECT_EQ(r.reserve("t", start), start);
  EXPECT_EQ(r.reserve("t", start), start + 100ms);
  EXPECT_EQ(r.next("t", start), start + 200ms);
  EXPECT_EQ(r.reserve("t", start), start + 200ms);
}

TEST(RateLimits, save_up_no_more_than_one_start) {
  rate_limits r;
  r.set("t", 10);
  (void)r.reserve("t", start);
  auto const later = start + 10s;
  EXPECT_EQ(r.reserve("t", later), later);
  EXPECT_EQ(r.reserve("t", later), later + 100ms);
}

TEST(RateLimits, are_by_task) {
  rate_limits r;
  EXPECT_TRUE(r.empty());
  r.set("t", 1);
  EXPECT_FALSE(r.empty());
  (void)r.reserve("t", start);
  EXPECT_EQ(r.reserve("other", start), start);
  EXPECT_EQ(r.reserve("other", start), start);
}

TEST(RateLimits, change_at_once) {
  rate_limits r;
  r.set("t", 0.001);
  (void)r.reserve("t", start);
  EXPECT_EQ(r.next("t", start), start + 1000s);
  r.set("t", 2);
  EXPECT_EQ(r.reserve("t", start), start);
  EXPECT_EQ(r.next("t", start), start + 500ms);
  r.set("t", 0);
  EXPECT_EQ(r.reserve("t", start), start);
  EXPECT_EQ(r.rate("t"), 0);
}

TEST(RateLimits, hold_nothing_when_disabled) {
  rate_limits r{true};
  r.set("t", 1);
  EXPECT_TRUE(r.empty());
  (void)r.reserve("t", start);
  EXPECT_EQ(r.reserve("t", start), start);
  EXPECT_EQ(r.rate("t"), 1) << "inspect shows it all the same";
}

}  // namespace
}  // namespace lovage::work
