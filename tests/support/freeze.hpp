// A process that falls silent, and has fallen silent when the call returns.
#pragma once

#include "eventually.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace lovage::testing {

/// Whether every thread of it is stopped, or gone (proc(5): the third field of "stat").
[[nodiscard]] inline bool is_frozen(::pid_t pid) {
  std::error_code gone;
  for (auto const& thread : std::filesystem::directory_iterator{"/proc/" + std::to_string(pid) + "/task", gone}) {
    std::ifstream file{thread.path() / "stat"};
    std::string const text{std::istreambuf_iterator<char>{file}, {}};
    auto const name_end = text.rfind(')');
    if (name_end == std::string::npos) continue;
    if (std::string_view{"TtZX"}.find(text.at(name_end + 2)) == std::string_view::npos) return false;
  }
  return true;
}

/// SIGSTOP, until every thread has stopped: those that run at the moment go on a little, long enough to answer.
inline void freeze(::pid_t pid) {
  if (pid <= 0) throw std::logic_error{"no process to stop"};
  ::kill(pid, SIGSTOP);
  if (!eventually([&] { return is_frozen(pid); }))
    throw std::runtime_error{"process " + std::to_string(pid) + " does not stop"};
}

}  // namespace lovage::testing
