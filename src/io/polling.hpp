// Waiting on descriptors, and threads that take no signals.
#pragma once

#include <lovage/deadline.hpp>

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>

namespace lovage::io {

/// What poll(2) takes: -1 for ever; an hour at most otherwise.
[[nodiscard]] inline int milliseconds_left(deadline until) {
  if (until.is_never()) return -1;
  auto const left = std::chrono::ceil<std::chrono::milliseconds>(until.left());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

/// False at the deadline, or when `wake` (-1 for none) became readable first.
[[nodiscard]] inline bool wait_for(int fd, short events, deadline until, int wake = -1) {
  std::array<pollfd, 2> fds{{{fd, events, 0}, {wake, POLLIN, 0}}};
  for (;;) {
    auto const n = ::poll(fds.data(), fds.size(), milliseconds_left(until));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    return fds[0].revents != 0;
  }
}

[[nodiscard]] inline bool is_readable(int fd) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, 0) > 0;
}

/// Threads started while it lives are sent no signals: those belong to the program. SIGPIPE too, which OpenSSL's writes
/// would raise.
class signal_free {
 public:
  signal_free() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~signal_free() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  signal_free(signal_free const&) = delete;
  signal_free& operator=(signal_free const&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace lovage::io
