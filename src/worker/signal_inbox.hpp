// Signals and calls as events that one thread waits for.
#pragma once

#include "worker/shutdown.hpp"

#include <lovage/deadline.hpp>

#include <signal.h>
#include <deque>
#include <mutex>
#include <optional>

namespace lovage::work {

/// TERM, INT, QUIT and USR1, and HUP when asked for, are blocked in the constructing thread, and so in the threads it
/// starts afterwards, and read here; the destructor restores them, and leaves those pending that were blocked before.
/// One at a time in a process when `with_signals`. With REMAP_SIGTERM=SIGQUIT in the environment TERM is taken for
/// QUIT, as Celery does.
class signal_inbox {
 public:
  explicit signal_inbox(bool with_signals, bool with_hangup = false);
  ~signal_inbox();
  signal_inbox(signal_inbox const&) = delete;
  signal_inbox& operator=(signal_inbox const&) = delete;

  /// *Threads*: any.
  void post(stop_event e);
  /// The next event; nothing at the deadline. *Threads*: one.
  [[nodiscard]] std::optional<stop_event> next(deadline until);
  /// From now on INT and QUIT end the process at once, with exit code 1: for the time in which nobody calls `next`.
  void let_signals_kill();

 private:
  [[nodiscard]] std::optional<stop_event> take_posted();
  [[nodiscard]] std::optional<stop_event> read_signal() const;

  int wake_ = -1, signals_ = -1;
  stop_event on_term_ = stop_event::term;
  ::sigset_t before_{};
  std::mutex mutex_;
  std::deque<stop_event> posted_;
};

}  // namespace lovage::work
