// Alerts on their way to whoever should be told: tried again until they are taken, in their order.
#pragma once

#include "monitor/alerts.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>

namespace lovage::monitor {

/// Of one way, such as the webhook. The first is tried until it is taken or given up, then the next: that an alert is
/// over never comes before the alert. *Threads*: one at a time. *Memory*: `most` alerts; more push out
/// the oldest but the first, which may be on its way.
class outbox {
 public:
  static constexpr std::size_t most = 1'000;
  /// After the first refusal; each further one doubles it.
  static constexpr std::chrono::seconds first_pause{1}, longest_pause{60};
  /// From the first try on.
  static constexpr std::chrono::minutes patience{60};

  void put(alert what);
  /// What is to be tried now; nothing while a pause lasts, and when there is none.
  [[nodiscard]] std::optional<alert> due(time_point now) const;
  /// The first was taken.
  void taken();
  /// The first was refused. True when it is given up.
  bool refused(time_point now);
  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

 private:
  void next();
  std::deque<alert> waiting_;
  std::chrono::seconds pause_ = first_pause;
  std::optional<time_point> begun_;  // of the first one's tries
  time_point not_before_{};
};

}  // namespace lovage::monitor
