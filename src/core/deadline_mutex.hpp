// A mutex whose lock gives up at a deadline.
#pragma once

#include <condition_variable>
#include <lovage/deadline.hpp>
#include <mutex>

namespace lovage {

/// What std::timed_mutex does, by a condition variable: ThreadSanitizer of g++ 12 does not see
/// `pthread_mutex_clocklock`, and reports a race wherever it guards something. *Threads*: any; not recursive.
class deadline_mutex {
 public:
  using lock = std::unique_lock<deadline_mutex>;

  /// The caller owns the mutex when the result is true; else the deadline passed first.
  [[nodiscard]] lock acquire(deadline until) {
    std::unique_lock guard{state_};
    auto const is_free = [this] { return !taken_; };
    if (until.is_never())
      freed_.wait(guard, is_free);
    else if (!freed_.wait_until(guard, until.when(), is_free))
      return lock{*this, std::defer_lock};
    taken_ = true;
    return lock{*this, std::adopt_lock};
  }

  void unlock() {
    {
      std::lock_guard const guard{state_};
      taken_ = false;
    }
    freed_.notify_one();
  }

 private:
  std::mutex state_;
  std::condition_variable freed_;
  bool taken_ = false;
};

}  // namespace lovage
