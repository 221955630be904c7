#include "beat/cron_text.hpp"

#include "beat/zone.hpp"

#include <array>
#include <bit>
#include <utility>
#include <vector>

namespace lovage::beats {
namespace {

constexpr std::array<char const*, 7> full_weekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                      "Thursday", "Friday", "Saturday"};
constexpr std::array<char const*, 12> full_months = {"January",   "February", "March",    "April",
                                                     "May",       "June",     "July",     "August",
                                                     "September", "October",  "November", "December"};
constexpr std::array<char const*, 7> week_words = {"", "first ", "second ", "third ", "fourth ", "fifth ", "last "};

std::vector<unsigned> numbers_in(std::uint64_t bits, unsigned low) {
  std::vector<unsigned> out;
  for (; bits != 0; bits &= bits - 1) out.push_back(static_cast<unsigned>(std::countr_zero(bits)) + low);
  return out;
}

/// Numbers `first`, first + step, ... up to `last`; `count` of them.
struct cron_run {
  unsigned first, last, step, count;
};

/// Three or more at one distance are a run.
std::vector<cron_run> runs_in(std::vector<unsigned> const& all) {
  std::vector<cron_run> out;
  for (std::size_t at = 0; at < all.size();) {
    std::size_t end = at + 1;
    auto const step = end < all.size() ? all[end] - all[at] : 1;
    while (end < all.size() && all[end] - all[end - 1] == step) ++end;
    if (end - at < 3) end = at + 1;
    out.push_back({all[at], all[end - 1], end - at > 1 ? step : 1, static_cast<unsigned>(end - at)});
    at = end;
  }
  return out;
}

/// "*/5", when that says all.
std::string star_text(std::vector<cron_run> const& runs, cron_field const& spec) {
  if (runs.size() != 1 || runs[0].count < 3 || runs[0].first != spec.low || runs[0].last + runs[0].step <= spec.high)
    return {};
  return runs[0].step == 1 ? "*" : "*/" + std::to_string(runs[0].step);
}

std::string hashed_text(cron_sets const& sets, std::size_t field) {
  auto const& spec = cron_fields[field];
  auto const bits = bits_of(sets, field);
  auto const low = spec.low + static_cast<unsigned>(std::countr_zero(bits));
  auto const high = spec.low + static_cast<unsigned>(std::bit_width(bits)) - 1;
  std::string out = "H";
  if (low != spec.low || high != (field == days_field ? last_hashed_day : spec.high))
    out += "(" + std::to_string(low) + "-" + std::to_string(high) + ")";
  auto const step = hashed_step(sets, field);
  return step == hashed_whole ? out : out + "/" + std::to_string(step);
}

/// "a, b and c".
std::string listing(std::vector<std::string> const& items) {
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i)
    out += (i == 0 ? "" : i + 1 == items.size() ? " and " : ", ") + items[i];
  return out;
}

std::string two_digits(unsigned n) { return (n < 10 ? "0" : "") + std::to_string(n); }

/// "January to March and May".
template <class Name>
std::string spans_text(std::uint64_t bits, unsigned low, Name&& name) {
  std::vector<std::string> out;
  for (auto const& run : runs_in(numbers_in(bits, low))) {
    if (run.step == 1 && run.count > 1) {
      out.push_back(name(run.first) + " to " + name(run.last));
    } else {
      for (auto n = run.first; n <= run.last; n += run.step) out.push_back(name(n));
    }
  }
  return listing(out);
}

/// "every 5 minutes" with hours, "at 04:00 and 16:00", or "at minutes 5 and 35 of hours 8 to 18".
std::string time_words(cron_sets const& sets) {
  auto const plain = [](unsigned n) { return std::to_string(n); };
  auto const minute = cron_field_text(sets, 0), hour = cron_field_text(sets, 1);
  auto const minutes = numbers_in(sets.minutes, 0), hours = numbers_in(sets.hours, 0);
  if (sets.hashed & 0xfff) return "at a minute by its name (" + minute + " " + hour + ")";
  if (minute != "*" && !minute.starts_with("*/") && sets.hours != all_hours && minutes.size() * hours.size() <= 6) {
    std::vector<std::string> times;
    for (auto const h : hours)
      for (auto const m : minutes) times.push_back(two_digits(h) + ":" + two_digits(m));
    return "at " + listing(times);
  }
  std::string out = minute == "*" ? "every minute" : "at minute " + spans_text(sets.minutes, 0, plain);
  if (minute.starts_with("*/")) out = "every " + minute.substr(2) + " minutes";
  if (hour == "*") return minute == "*" || minute.starts_with("*/") ? out : out + " of every hour";
  if (hour.starts_with("*/")) return out + " of every " + hour.substr(2) + "th hour";
  return out + " of hours " + spans_text(sets.hours, 0, plain);
}

std::string weekday_words(cron_sets const& sets) {
  std::vector<std::string> out;
  auto const name = [](unsigned day) { return std::string{full_weekdays[day]}; };
  if (auto const weekly = sets.weekdays & 0x7f; weekly != 0) out.push_back(spans_text(weekly, 0, name));
  for (unsigned week = 1; week < 7; ++week)
    for (unsigned day = 0; day < 7; ++day)
      if (sets.weekdays >> (7 * week + day) & 1) out.push_back(std::string{"the "} + week_words[week] + name(day));
  return listing(out);
}

std::string day_words(cron_sets const& sets) {
  std::vector<std::string> out;
  if (auto const days = sets.days & 0x7fff'ffff; days != 0)
    out.push_back("day " + spans_text(days, 1, [](unsigned n) { return std::to_string(n); }));
  if (sets.days >> 31) out.push_back("the last day");
  return listing(out) + " of the month";
}

}  // namespace

std::string cron_field_text(cron_sets const& sets, std::size_t field) {
  if (hashed_step(sets, field) != 0) return hashed_text(sets, field);
  auto const& spec = cron_fields[field];
  auto const count = spec.high - spec.low + 1;
  auto const bits = bits_of(sets, field);
  auto const runs = runs_in(numbers_in(bits & ((1ull << count) - 1), spec.low));
  if (bits >> count == 0)
    if (auto star = star_text(runs, spec); !star.empty()) return star;
  std::vector<std::string> parts;
  for (auto const& run : runs) {
    auto text = std::to_string(run.first);
    if (run.count > 1) text += "-" + std::to_string(run.last);
    if (run.step > 1) text += "/" + std::to_string(run.step);
    parts.push_back(std::move(text));
  }
  if (field == days_field && bits >> 31) parts.emplace_back("L");
  if (field == weekdays_field) {
    for (unsigned week = 1; week < 7; ++week)
      for (unsigned day = 0; day < 7; ++day)
        if (bits >> (7 * week + day) & 1)
          parts.push_back(std::to_string(day) + (week == 6 ? "L" : "#" + std::to_string(week)));
  }
  std::string out;
  for (auto const& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

std::string cron_words(cron_sets const& sets) {
  auto out = time_words(sets);
  if (sets.weekdays != full(weekdays_field) || hashed_step(sets, weekdays_field))
    out += hashed_step(sets, weekdays_field) ? " on a weekday by its name" : " on " + weekday_words(sets);
  if (sets.days != full(days_field) || hashed_step(sets, days_field))
    out += hashed_step(sets, days_field) ? " on a day by its name" : " on " + day_words(sets);
  if (sets.months != full(months_field) || hashed_step(sets, months_field))
    out += hashed_step(sets, months_field)
               ? " in a month by its name"
               : " in " + spans_text(sets.months, 1, [](unsigned m) { return std::string{full_months[m - 1]}; });
  if (sets.zone != no_zone) out += ", " + zone_name(sets.zone);
  return out;
}

}  // namespace lovage::beats
