// Whether the run that was sent last has ended: what overlap policies ask.
#pragma once

#include "app/app_state.hpp"

#include <lovage/deadline.hpp>

#include <span>
#include <vector>

namespace lovage::beats {

/// A run that was sent, and when.
struct past_run {
  task_id id;
  time_point due;
};

/// By the result backend's records. Of a run that waits or was lost there is none: it counts as running until results
/// of its age would have expired. *Threads*: one at a time.
class last_runs {
 public:
  explicit last_runs(detail::app_state& app) : app_{app} {}

  /// Why it can never be known of this call's runs; empty when it can be.
  [[nodiscard]] std::string why_unknown(std::string_view call) const;
  /// True for each that has not ended. Error `unavailable` and the like: nothing is known now.
  [[nodiscard]] expected<std::vector<bool>> running(std::span<past_run const> runs, deadline until);
  /// Revokes it, and ends it where it runs.
  [[nodiscard]] expected<void> cancel(task_id const& id);

 private:
  detail::app_state& app_;
};

}  // namespace lovage::beats
