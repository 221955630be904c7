// From a crontab's sets to moments, through the changes of clocks.
//
// A wall clock that is put forward skips local times (a gap), one that is put back shows some twice (an overlap):
//
//   UTC     ----------|----------->            ----------|------------>
//   local   01:59 | 03:00                      02:59 | 02:00 ... 02:59 | 03:00
//                 ^ what was due at 02:xx            ^ what was due at 02:xx has run; again only where
//                   runs here, once                    the crontab counts time rather than names a time
//
// A crontab of every hour counts time: it runs whenever the clock shows one of its minutes, and owes nothing for a gap,
// in which no time passes. So does one whose minutes are evenly spaced ("*/15 8-18"), but a gap that hides all of its
// hours would lose the day: it runs once after the gap, too.
#pragma once

#include "beat/zone.hpp"

#include <lovage/schedule.hpp>

#include <optional>

namespace lovage::beats {

/// Moments of one crontab, one after the other. Keeps where it was, so that steps of a minute cost little.
class cron_walk {
 public:
  explicit cron_walk(cron_sets const& sets);
  /// The first moment after this one, within 45 years.
  [[nodiscard]] std::optional<time_point> next(time_point after);

 private:
  void enter(time_point at);
  [[nodiscard]] std::optional<time_point> in_span(time_point from, time_point limit) const;

  cron_sets sets_;
  bool every_hour_, counts_time_;
  zone_span span_;                         // where the walk is
  std::chrono::seconds offset_before_{0};  // of the span before it
  bool entered_ = false;
};

/// The days of a month, bit d - 1, that the sets name.
[[nodiscard]] std::uint32_t days_of_month(cron_sets const& sets, unsigned length, unsigned weekday_of_first) noexcept;
/// Whether there is any day at all: no 31 February.
[[nodiscard]] bool ever_comes(cron_sets const& sets) noexcept;
/// The sets without H.
[[nodiscard]] cron_sets without_hash(cron_sets sets, std::string_view name) noexcept;

}  // namespace lovage::beats
