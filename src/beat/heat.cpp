#include "beat/heat.hpp"

#include "beat/scatter.hpp"
#include "beat/zone.hpp"

#include <algorithm>
#include <numeric>

namespace lovage::beats {
namespace {

using std::chrono::microseconds;
using std::chrono::minutes;

constexpr std::size_t most_pile_ups = 10, most_named = 5, most_quiet = 3, hour_minutes = 60;
constexpr std::uint32_t times_the_mean = 3;
constexpr std::size_t bar_width = 40;
// More than that within a day is an interval below a minute, which is counted and not walked through.
constexpr std::size_t most_walked = 24 * 60 * 2;

/// Calls f(minute, runs) for each minute that an entry is sent in.
template <class F>
void each_minute(heat_source const& of, time_point begin, std::size_t length, F&& f) {
  auto const later = spread_of(of.name, of.spread);
  auto const from = begin - later - microseconds{1}, until = from + minutes{length};
  if (auto const* e = std::get_if<every>(&of.when->kind()); e && e->period() < minutes{1}) {
    auto const first = of.when->next(from);
    if (!first) return;
    for (std::size_t m = 0; m < length; ++m) {
      // Occurrences at first + k * period, k >= 0, before the ends of two minutes that follow each other.
      auto const before = [&](std::size_t n) {
        auto const span = begin - later + minutes{n} - *first;
        return span <= microseconds::zero() ? 0 : (span - microseconds{1}) / e->period() + 1;
      };
      if (auto const runs = before(m + 1) - before(m); runs > 0) f(m, static_cast<std::uint32_t>(runs));
    }
    return;
  }
  for (auto const due : of.when->between(from, until, most_walked))
    f(static_cast<std::size_t>((due + later - begin) / minutes{1}), 1u);
}

void name_entries(heat& out, std::span<heat_source const> entries) {
  std::vector<pile_up*> at(out.per_minute.size(), nullptr);
  for (auto& pile : out.pile_ups) at[pile.minute] = &pile;
  for (auto const& entry : entries)
    each_minute(entry, out.begin, at.size(), [&](std::size_t minute, std::uint32_t) {
      auto* const pile = at[minute];
      if (!pile) return;
      auto& names = pile->entries;
      auto const place = std::upper_bound(names.begin(), names.end(), entry.name);
      if (names.size() == most_named && place == names.end()) return static_cast<void>(++pile->more);
      names.emplace(place, entry.name);
      if (names.size() > most_named) names.pop_back(), ++pile->more;
    });
}

void find_pile_ups(heat& out) {
  auto const& all = out.per_minute;
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  auto const count = std::min(most_pile_ups, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](std::size_t a, std::size_t b) { return all[a] != all[b] ? all[a] > all[b] : a < b; });
  for (std::size_t i = 0; i < count; ++i) {
    auto const runs = all[order[i]];
    if (runs < 2 || std::uint64_t{runs} * all.size() < times_the_mean * out.runs) break;
    out.pile_ups.push_back({order[i], runs, {}, 0});
  }
}

void find_quiet(heat& out) {
  for (std::size_t first = 0; first + hour_minutes <= out.per_minute.size(); first += hour_minutes) {
    auto const from = out.per_minute.begin() + static_cast<std::ptrdiff_t>(first);
    out.quiet.push_back({first, first + hour_minutes, std::accumulate(from, from + hour_minutes, std::uint64_t{0})});
  }
  std::stable_sort(out.quiet.begin(), out.quiet.end(),
                   [](quiet_time const& a, quiet_time const& b) { return a.runs < b.runs; });
  out.quiet.resize(std::min(most_quiet, out.quiet.size()));
}

class heat_clock {
 public:
  heat_clock(time_point begin, std::string_view zone) : begin_{begin}, zone_{zone_number(zone).value_or(utc_zone)} {}
  /// "08:05".
  std::string at(std::size_t minute) const {
    auto const moment = begin_ + minutes{minute};
    auto const local = moment + zone_at(zone_, moment).offset;
    auto const of_day = (local - std::chrono::floor<std::chrono::days>(local)) / minutes{1};
    auto const two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    return two(of_day / 60) + ":" + two(of_day % 60);
  }

 private:
  time_point begin_;
  std::uint16_t zone_;
};

std::string counted(std::uint64_t n, char const* what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

void hour_lines(std::vector<std::string>& out, heat const& of, heat_clock const& clock) {
  std::vector<std::uint64_t> hours;
  for (std::size_t first = 0; first < of.per_minute.size(); first += hour_minutes) {
    auto const from = of.per_minute.begin() + static_cast<std::ptrdiff_t>(first);
    auto const length = std::min(hour_minutes, of.per_minute.size() - first);
    hours.push_back(std::accumulate(from, from + static_cast<std::ptrdiff_t>(length), std::uint64_t{0}));
  }
  auto const most = std::max<std::uint64_t>(1, hours.empty() ? 0 : *std::max_element(hours.begin(), hours.end()));
  for (std::size_t h = 0; h < hours.size(); ++h) {
    auto const from = of.per_minute.begin() + static_cast<std::ptrdiff_t>(h * hour_minutes);
    auto const fullest = std::max_element(
        from, from + static_cast<std::ptrdiff_t>(std::min(hour_minutes, of.per_minute.size() - h * hour_minutes)));
    auto const filled = static_cast<std::size_t>((hours[h] * bar_width + most - 1) / most);
    auto line = clock.at(h * hour_minutes) + "  " + std::string(filled, '#') + std::string(bar_width - filled, ' ') +
                "  " + counted(hours[h], "run");
    if (hours[h] != 0)
      line += ", at most " + std::to_string(*fullest) + " in a minute (" +
              clock.at(static_cast<std::size_t>(fullest - of.per_minute.begin())) + ")";
    out.push_back(std::move(line));
  }
}

}  // namespace

heat heat_of(std::span<heat_source const> entries, time_point begin, minutes length) {
  heat out;
  out.begin = std::chrono::floor<minutes>(begin);
  out.per_minute.resize(static_cast<std::size_t>(std::max(length, minutes{0}).count()));
  for (auto const& entry : entries)
    each_minute(entry, out.begin, out.per_minute.size(), [&](std::size_t minute, std::uint32_t runs) {
      out.per_minute[minute] += runs;
      out.runs += runs;
    });
  find_pile_ups(out);
  find_quiet(out);
  name_entries(out, entries);
  return out;
}

std::vector<std::string> heat_lines(heat const& of, std::string_view zone) {
  heat_clock const clock{of.begin, zone};
  std::vector<std::string> out;
  hour_lines(out, of, clock);
  if (!of.pile_ups.empty()) out.emplace_back("pile-ups (H in a field and spread scatter them):");
  for (auto const& pile : of.pile_ups) {
    auto line = "  " + clock.at(pile.minute) + "  " + counted(pile.runs, "run") + ": ";
    for (std::size_t i = 0; i < pile.entries.size(); ++i) line += (i == 0 ? "" : ", ") + pile.entries[i];
    if (pile.more != 0) line += " and " + std::to_string(pile.more) + " more";
    out.push_back(std::move(line));
  }
  if (!of.quiet.empty()) out.emplace_back("quiet hours:");
  for (auto const& quiet : of.quiet)
    out.push_back("  " + clock.at(quiet.first) + " to " + clock.at(quiet.last) + "  " + counted(quiet.runs, "run"));
  return out;
}

}  // namespace lovage::beats
