// How a periodic task behaves beside its schedule.
#pragma once

#include <lovage/types.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace lovage {

/// What becomes of occurrences that passed while no scheduler could send them.
enum class catch_up : std::uint8_t {
  none,  ///< they are gone, but for the newest when it is no later than the grace (a minute unless given)
  last,  ///< the newest is sent, once
  all,   ///< each is sent, in order
};

/// What becomes of an occurrence while the run before it has not ended.
enum class overlap : std::uint8_t {
  allow,   ///< it is sent
  skip,    ///< it is not
  queue,   ///< it is sent when the other has ended; of several that wait the newest
  cancel,  ///< the other is revoked and ended, then it is sent
};

/// Fluent; what is not set is as by default.
///
///     app.periodic("report", lovage::crontab{"0 4 * * *"}, shop::report.s(),
///                  lovage::periodic_options{}.overlap(lovage::overlap::skip).spread(10min));
class periodic_options {
 public:
  using seconds = std::chrono::duration<double>;

  /// Default: `last`.
  periodic_options& catch_up(lovage::catch_up v) { return catch_up_ = v, *this; }
  /// Occurrences that are later than this are gone; zero: none is. Default: a minute for `catch_up::none`, for crontabs
  /// the setting `beat_cron_starting_deadline`, else zero.
  periodic_options& grace(seconds v) { return grace_ = v, *this; }
  /// Default: `allow`. All others need a result backend that everybody reads, and tasks that do not ignore their
  /// results.
  periodic_options& overlap(lovage::overlap v) { return overlap_ = v, *this; }
  /// Sends each occurrence later by the same part of this time, which is made of the entry's name: many entries of one
  /// schedule do not fall on one moment.
  periodic_options& spread(seconds v) { return spread_ = v, *this; }
  /// Sends each occurrence later by another part of this time.
  periodic_options& jitter(seconds v) { return jitter_ = v, *this; }
  /// No occurrence before this moment, or none from it on.
  periodic_options& start(time_point v) { return start_ = v, *this; }
  periodic_options& end(time_point v) { return end_ = v, *this; }
  /// Runs once; is paused then.
  periodic_options& one_off(bool v = true) { return one_off_ = v, *this; }

  friend bool operator==(periodic_options const&, periodic_options const&) = default;

  lovage::catch_up catch_up_ = lovage::catch_up::last;
  lovage::overlap overlap_ = lovage::overlap::allow;
  bool one_off_ = false;
  std::optional<seconds> grace_;
  seconds spread_{0}, jitter_{0};
  std::optional<time_point> start_, end_;
};

}  // namespace lovage
