// Whether and when a task runs again (Celery's semantics; celery-compatible waits).
#pragma once

#include "app/task_options.hpp"

#include <lovage/types.hpp>
#include <lovage/value.hpp>

#include <functional>
#include <optional>

namespace lovage {

struct retry_plan {
  bool again = false;             ///< false: retries are used up
  std::optional<time_point> eta;  ///< nothing: at once
};

/// `details` is the map of a RETRY outcome, or of a FAILURE with `autoretry`. `uniform` gives numbers in [0, 1).
/// Waits: the caller's countdown or eta; for automatic retries with backoff min(max, factor * 2^retries), with jitter
/// drawn evenly from [0, that]; else `default_retry_delay`.
[[nodiscard]] retry_plan plan_retry(task_options const& options, std::int64_t retries, value::map const& details,
                                    bool automatic, time_point now, std::function<double()> const& uniform);

/// `seconds` after `now`, a century at most; a negative or odd number of them is none.
[[nodiscard]] time_point later(time_point now, double seconds);

}  // namespace lovage
