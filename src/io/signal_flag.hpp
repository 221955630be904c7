// A flag that a thread which polls descriptors can wait for.
#pragma once

#include "io/descriptor.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace lovage::io {

/// *Threads*: any.
class signal_flag {
 public:
  signal_flag() : fd_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {}

  void raise() const {
    std::uint64_t const one = 1;
    (void)!::write(fd_.get(), &one, sizeof one);
  }
  /// Whether it was raised; it is not any more.
  bool take() const {
    std::uint64_t count = 0;
    return ::read(fd_.get(), &count, sizeof count) == sizeof count;
  }
  /// Readable while raised.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  descriptor fd_;
};

/// False when `fd` (-1: none) became readable first.
inline bool sleep_until(std::chrono::steady_clock::time_point when, int fd) {
  auto const left = std::chrono::ceil<std::chrono::milliseconds>(when - std::chrono::steady_clock::now());
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000))) <= 0;
}

}  // namespace lovage::io
