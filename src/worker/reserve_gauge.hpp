// How many messages of a queue to hold, learnt from how long its tasks run. Pure.
#pragma once

#include <lovage/types.hpp>

#include <chrono>
#include <cstddef>
#include <unordered_map>

namespace lovage::work {

/// Work enough for a moment: tiny tasks are held by the hundred, so that no slot waits for the broker; one that runs
/// longer than the moment is held only where a slot is free for it. *Threads*: one.
class reserve_gauge {
 public:
  /// `most`: whatever was learnt.
  explicit reserve_gauge(std::size_t most) : most_{most} {}

  void ran(queue_name const& queue, std::chrono::nanoseconds time);
  /// Running ones included. A queue of which nothing is known yet: one for each slot.
  [[nodiscard]] std::size_t limit(queue_name const& queue, std::size_t slots) const;

  static constexpr std::chrono::milliseconds moment{75};

 private:
  std::size_t const most_;
  std::unordered_map<std::string, double> mean_ns_;
};

}  // namespace lovage::work
