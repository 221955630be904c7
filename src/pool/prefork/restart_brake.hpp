// Slows down replacing what dies as soon as it is made. Pure: the time comes in.
#pragma once

#include <chrono>
#include <deque>

namespace lovage::pool {

class restart_brake {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// More than `many` fruitless deaths within `window`: one round of replacements each `pause`.
  restart_brake(std::size_t many, std::chrono::milliseconds window, std::chrono::milliseconds pause)
      : many_{many}, window_{window}, pause_{pause} {}

  /// True when this death puts the brake on, which is worth a critical line.
  bool fruitless_death(time_point now) {
    deaths_.push_back(now);
    while (deaths_.front() + window_ < now) deaths_.pop_front();
    if (deaths_.size() <= many_) return false;
    bool const first = open_at_ <= now;
    if (first) open_at_ = now + pause_;
    return first;
  }
  /// A plain pause, for a fork that failed.
  void pause(time_point now) { open_at_ = now + pause_; }
  /// When the next replacement may be asked for; in the past when at once.
  [[nodiscard]] time_point open_at() const { return open_at_; }

 private:
  std::size_t many_;
  std::chrono::milliseconds window_, pause_;
  std::deque<time_point> deaths_;
  time_point open_at_ = time_point::min();
};

}  // namespace lovage::pool
