// What the tasks of limits_test.py write down.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <string>

namespace marks {

/// A line with a word and the time of the clock that Python calls monotonic.
inline void write(std::string const& file, std::string const& word, std::string const& rest = {}) {
  auto const now = std::chrono::steady_clock::now().time_since_epoch();
  auto const line = word + " " + std::to_string(std::chrono::nanoseconds{now}.count()) + rest + "\n";
  int const fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  [[maybe_unused]] auto const n = ::write(fd, line.data(), line.size());
  ::close(fd);
}

inline void begin(std::string const& file) { write(file, "began", " " + std::to_string(::getpid())); }

}  // namespace marks
