#include "beat/cron_walk.hpp"

#include "beat/cron_fields.hpp"
#include "beat/scatter.hpp"

#include <bit>

namespace lovage::beats {
namespace {

using std::chrono::days;
using std::chrono::minutes;
// Local times are written as if they were UTC.
using local_minutes = std::chrono::sys_time<minutes>;

constexpr unsigned minutes_a_day = 24 * 60;
// Every combination of a date and a weekday comes back within 40 years, also across 2100.
constexpr auto horizon = days{45 * 366};

/// Whether minutes repeat at one distance through the hour, as those of */15 and */5 do.
bool evenly_spaced(std::uint64_t in_hour) {
  auto const count = static_cast<unsigned>(std::popcount(in_hour));
  if (count < 2 || 60 % count != 0) return false;
  auto const step = 60 / count, first = static_cast<unsigned>(std::countr_zero(in_hour));
  for (unsigned m = first; m < first + 60; m += step)
    if ((in_hour >> (m % 60) & 1) == 0) return false;
  return true;
}

/// The first minute of the day from `from` on.
std::optional<unsigned> minute_of_day(cron_sets const& sets, unsigned from) {
  auto const hour = from / 60, minute = from % 60;
  if (hour > 23) return std::nullopt;
  auto const rest = sets.minutes >> minute;
  if ((sets.hours >> hour & 1) != 0 && rest != 0) return from + static_cast<unsigned>(std::countr_zero(rest));
  auto const later = sets.hours >> hour >> 1;
  if (later == 0) return std::nullopt;
  return (hour + 1 + static_cast<unsigned>(std::countr_zero(later))) * 60 +
         static_cast<unsigned>(std::countr_zero(sets.minutes));
}

/// The first local time of the sets in [from, until).
std::optional<local_minutes> first_local(cron_sets const& sets, local_minutes from, local_minutes until) {
  using namespace std::chrono;
  auto day = floor<days>(from);
  auto minute = static_cast<unsigned>((from - day).count());
  while (local_minutes{day} < until) {
    year_month_day const date{day};
    auto const first = sys_days{date.year() / date.month() / 1};
    auto const length = static_cast<unsigned>((date.year() / date.month() / last).day());
    std::uint32_t named = 0;
    if ((sets.months >> (static_cast<unsigned>(date.month()) - 1) & 1) != 0)
      named = days_of_month(sets, length, weekday{first}.c_encoding());
    auto const today = static_cast<unsigned>(date.day()) - 1;
    if (named >> today == 0) {
      day = first + days{length}, minute = 0;
      continue;
    }
    if (auto const ahead = std::countr_zero(named >> today); ahead != 0) day += days{ahead}, minute = 0;
    if (auto const found = minute_of_day(sets, minute)) {
      local_minutes const at = day + minutes{*found};
      return at < until ? std::optional{at} : std::nullopt;
    }
    day += days{1}, minute = 0;
  }
  return std::nullopt;
}

}  // namespace

std::uint32_t days_of_month(cron_sets const& sets, unsigned length, unsigned weekday_of_first) noexcept {
  constexpr std::uint32_t weekly = 0b1'0000001'0000001'0000001'0000001;  // days 1, 8, 15, 22, 29
  std::uint32_t const all = (1u << (length - 1) << 1) - 1;
  std::uint32_t out = sets.days & all;
  if (sets.days >> 31 != 0) out |= 1u << (length - 1);
  if ((sets.weekdays & 0x7f) == 0x7f) return out & 0x7fff'ffff;
  std::uint32_t by_weekday = 0;
  for (unsigned day = 0; day < 7; ++day) {
    auto const first = (7 + day - weekday_of_first) % 7;
    auto const named = [&](unsigned week) { return (sets.weekdays >> (7 * week + day) & 1) != 0; };
    if (named(0)) by_weekday |= weekly << first;
    for (unsigned nth = 1; nth <= 5; ++nth)
      if (named(nth)) by_weekday |= 1u << first << (7 * (nth - 1));
    if (named(6)) by_weekday |= 1u << (first + (length - 1 - first) / 7 * 7);
  }
  return out & by_weekday & all & 0x7fff'ffff;
}

bool ever_comes(cron_sets const& sets) noexcept {
  for (unsigned month = 0; month < 12; ++month) {
    if ((sets.months >> month & 1) == 0) continue;
    for (unsigned first = 0; first < 7; ++first)
      if (days_of_month(sets, longest_month(month), first) != 0 || (month == 1 && days_of_month(sets, 28, first) != 0))
        return true;
  }
  return false;
}

cron_sets without_hash(cron_sets sets, std::string_view name) noexcept {
  for (std::size_t f = 0; f < cron_field_count; ++f) {
    auto const step = hashed_step(sets, f);
    if (step == 0) continue;
    auto const from = bits_of(sets, f);
    auto const lowest = static_cast<unsigned>(std::countr_zero(from));
    auto const count = static_cast<unsigned>(std::popcount(from));
    auto const h = name_hash(name, f);
    std::uint64_t chosen = 0;
    if (step == hashed_whole) {
      chosen = 1ull << (lowest + h % count);
    } else {
      for (unsigned at = static_cast<unsigned>(h % step); at < count; at += step) chosen |= 1ull << (lowest + at);
    }
    set_bits(sets, f, chosen);
  }
  sets.hashed = 0;
  return sets;
}

cron_walk::cron_walk(cron_sets const& sets)
    : sets_{sets.hashed == 0 ? sets : without_hash(sets, "")},
      every_hour_{sets_.hours == all_hours},
      counts_time_{every_hour_ || evenly_spaced(sets_.minutes)} {}

void cron_walk::enter(time_point at) {
  if (entered_ && at >= span_.begin && at < span_.end) return;
  span_ = zone_at(sets_.zone, at);
  offset_before_ = zone_at(sets_.zone, span_.begin - std::chrono::seconds{1}).offset;
  entered_ = true;
}

std::optional<time_point> cron_walk::in_span(time_point from, time_point limit) const {
  using std::chrono::ceil;
  if (from == span_.begin && offset_before_ < span_.offset && !every_hour_ &&
      first_local(sets_, ceil<minutes>(from + offset_before_), ceil<minutes>(from + span_.offset)))
    return from;
  auto local = from + span_.offset;
  if (!counts_time_) local = std::max(local, span_.begin + offset_before_);  // shown before, and run then
  auto const found = first_local(sets_, ceil<minutes>(local), ceil<minutes>(std::min(span_.end, limit) + span_.offset));
  if (!found) return std::nullopt;
  return time_point{*found} - span_.offset;
}

std::optional<time_point> cron_walk::next(time_point after) {
  if (after >= last_moment) return std::nullopt;
  auto from = std::max(after, first_moment) + std::chrono::microseconds{1};
  for (auto const limit = from + horizon; from < limit; from = span_.end) {
    enter(from);
    if (auto const found = in_span(from, limit)) return found;
  }
  return std::nullopt;
}

}  // namespace lovage::beats
