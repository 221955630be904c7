// Signals and calls as events that one thread waits for.
#pragma once

#include "worker/shutdown.hpp"

#include <lovage/deadline.hpp>

#include <signal.h>
#include <deque>
#include <mutex>
#include <optional>

namespace lovage::work {

/// TERM, INT, QUIT and USR1 are blocked in the constructing thread, and so in the threads it starts afterwards, and
/// read here; the destructor restores them. One at a time in a process when `with_signals`.
class signal_inbox {
 public:
  explicit signal_inbox(bool with_signals);
  ~signal_inbox();
  signal_inbox(signal_inbox const&) = delete;
  signal_inbox& operator=(signal_inbox const&) = delete;

  /// *Threads*: any.
  void post(stop_event e);
  /// The next event; nothing at the deadline. *Threads*: one.
  [[nodiscard]] std::optional<stop_event> next(deadline until);

 private:
  [[nodiscard]] std::optional<stop_event> take_posted();
  [[nodiscard]] std::optional<stop_event> read_signal() const;

  int wake_ = -1, signals_ = -1;
  ::sigset_t before_{};
  std::mutex mutex_;
  std::deque<stop_event> posted_;
};

}  // namespace lovage::work
