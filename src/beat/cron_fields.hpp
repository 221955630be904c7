// The five fields of a crontab by number, in the text's order.
#pragma once

#include <lovage/schedule.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace lovage::beats {

struct cron_field {
  std::string_view name;
  unsigned low, high;
};

inline constexpr std::size_t cron_field_count = 5, days_field = 2, months_field = 3, weekdays_field = 4;
inline constexpr std::array<cron_field, cron_field_count> cron_fields = {
    {{"minute", 0, 59}, {"hour", 0, 23}, {"day of month", 1, 31}, {"month", 1, 12}, {"day of week", 0, 6}}};
inline constexpr std::uint32_t all_hours = 0xff'ffff;

/// Bit n - low.
[[nodiscard]] constexpr std::uint64_t bits_of(cron_sets const& sets, std::size_t field) noexcept {
  switch (field) {
    case 0: return sets.minutes;
    case 1: return sets.hours;
    case days_field: return sets.days;
    case months_field: return sets.months;
    default: return sets.weekdays;
  }
}
constexpr void set_bits(cron_sets& sets, std::size_t field, std::uint64_t bits) noexcept {
  switch (field) {
    case 0: sets.minutes = bits; break;
    case 1: sets.hours = static_cast<std::uint32_t>(bits); break;
    case days_field: sets.days = static_cast<std::uint32_t>(bits); break;
    case months_field: sets.months = static_cast<std::uint16_t>(bits); break;
    default: sets.weekdays = bits; break;
  }
}
/// All numbers of a field.
[[nodiscard]] constexpr std::uint64_t full(std::size_t field) noexcept { return bits_of(cron_sets{}, field); }

/// H without a step; other numbers are the step of H/step, zero is no H.
inline constexpr unsigned hashed_whole = 63;
/// H never names a day that some months lack.
inline constexpr unsigned last_hashed_day = 28;
[[nodiscard]] constexpr unsigned hashed_step(cron_sets const& sets, std::size_t field) noexcept {
  return sets.hashed >> (6 * field) & 63;
}
constexpr void set_hashed_step(cron_sets& sets, std::size_t field, unsigned step) noexcept {
  sets.hashed = (sets.hashed & ~(63u << (6 * field))) | step << (6 * field);
}

/// Days of a month, counted from zero, in the year that gives it most.
[[nodiscard]] constexpr unsigned longest_month(unsigned month) noexcept {
  return month == 1 ? 29 : month == 3 || month == 5 || month == 8 || month == 10 ? 30 : 31;
}

}  // namespace lovage::beats
