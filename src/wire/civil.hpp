// Days since 1970-01-01 to and from a proleptic Gregorian date, for any year.
//
// Howard Hinnant's algorithms (https://howardhinnant.github.io/date_algorithms.html); std::chrono::year ends at
// 32767, which an int64 of microseconds exceeds.
#pragma once

#include <cstdint>

namespace lovage::wire {

struct civil {
  std::int64_t year = 1970;
  unsigned month = 1, day = 1;
};

[[nodiscard]] constexpr std::int64_t days_from_civil(civil c) noexcept {
  std::int64_t const y = c.year - (c.month <= 2);
  std::int64_t const era = (y >= 0 ? y : y - 399) / 400;
  auto const yoe = static_cast<unsigned>(y - era * 400);
  unsigned const doy = (153 * (c.month > 2 ? c.month - 3 : c.month + 9) + 2) / 5 + c.day - 1;
  unsigned const doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + static_cast<std::int64_t>(doe) - 719468;
}

[[nodiscard]] constexpr civil civil_from_days(std::int64_t z) noexcept {
  z += 719468;
  std::int64_t const era = (z >= 0 ? z : z - 146096) / 146097;
  auto const doe = static_cast<unsigned>(z - era * 146097);
  unsigned const yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  unsigned const doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  unsigned const mp = (5 * doy + 2) / 153;
  unsigned const month = mp < 10 ? mp + 3 : mp - 9;
  return {static_cast<std::int64_t>(yoe) + era * 400 + (month <= 2), month, doy - (153 * mp + 2) / 5 + 1};
}

[[nodiscard]] constexpr bool is_leap(std::int64_t y) noexcept { return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0); }

[[nodiscard]] constexpr unsigned days_in_month(std::int64_t year, unsigned month) noexcept {
  if (month == 2) return is_leap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

inline constexpr std::int64_t us_per_second = 1'000'000;
inline constexpr std::int64_t us_per_day = 86'400 * us_per_second;

/// Whole days below `us`, and the rest (never negative).
struct day_split {
  std::int64_t days, us;
};
[[nodiscard]] constexpr day_split split_days(std::int64_t us) noexcept {
  std::int64_t days = us / us_per_day, rest = us % us_per_day;
  if (rest < 0) --days, rest += us_per_day;
  return {days, rest};
}

}  // namespace lovage::wire
