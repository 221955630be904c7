// A logical clock: whatever happens because of something has a greater number than it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace lovage {

/// Begins at zero. *Threads*: any.
class lamport_clock {
 public:
  /// One more than before: the number of what is sent now.
  std::int64_t forward() {
    std::lock_guard const lock{mutex_};
    return ++value_;
  }
  /// Something with this number came: the clock goes beyond it.
  std::int64_t adjust(std::int64_t other) {
    std::lock_guard const lock{mutex_};
    return value_ = std::max(value_, other) + 1;
  }
  [[nodiscard]] std::int64_t value() const {
    std::lock_guard const lock{mutex_};
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  std::int64_t value_ = 0;
};

}  // namespace lovage
