// The limits of a task with the configuration's defaults filled in.
#pragma once

#include <lovage/config.hpp>
#include <lovage/value.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace lovage {

struct task_options {
  std::optional<int> max_retries = 3;  ///< nothing: for ever
  double default_retry_delay_s = 180;
  double retry_backoff_s = 0;  ///< zero: no backoff
  double retry_backoff_max_s = 600;
  bool retry_jitter = true;
  double time_limit_s = 0;       ///< zero: none
  double soft_time_limit_s = 0;  ///< zero: none
  bool ignore_result = false;
  bool store_errors_even_if_ignored = false;
  bool acks_late = true;
  bool track_started = false;
  bool reject_on_worker_lost = true;
  bool acks_on_failure_or_timeout = true;
  std::optional<bool> acks_on_failure = {}, acks_on_timeout = {};  ///< over the one above
  std::string rate_limit = {};                                     ///< "10/m"; empty: none

  [[nodiscard]] bool acknowledges_failure() const { return acks_on_failure.value_or(acks_on_failure_or_timeout); }
  [[nodiscard]] bool acknowledges_timeout() const { return acks_on_timeout.value_or(acks_on_failure_or_timeout); }

  /// What holds for tasks that set nothing themselves.
  [[nodiscard]] static task_options defaults(config const& settings);
  /// `set` is `limits::options()`; unknown keys (of a newer plug-in) are passed over.
  [[nodiscard]] static task_options merge(task_options base, value::map const& set);
};

}  // namespace lovage
