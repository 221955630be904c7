// Starting another program and learning how it ended.
#pragma once

#include "io/descriptor.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>

#include <optional>
#include <string>
#include <vector>

namespace lovage::io {

/// Descriptor `from` of this process becomes `to` in the new one.
struct inherit {
  int from = -1;
  int to = -1;
};

struct program {
  std::string file;               ///< as for execve: no search in PATH
  std::vector<std::string> argv;  ///< with the name first
  std::vector<std::string> env;   ///< "NAME=value", all of them
  /// Nothing else is inherited but 0, 1 and 2. The `to` must be 3 or more and without holes.
  std::vector<inherit> descriptors;
};

/// How a process ended, from wait(2).
struct ending {
  int status = 0;
  /// "exit status 3", "signal 11 (SIGSEGV)".
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool by_signal(int number) const noexcept;
  [[nodiscard]] bool clean() const noexcept { return status == 0; }
};

/// A started program. Waiting uses a pidfd, so no SIGCHLD handler is needed and none is disturbed.
///
/// *Threads*: one. *Lifetime*: the destructor neither kills nor waits; who has not waited leaves a zombie.
class process {
 public:
  process() = default;

  [[nodiscard]] int pid() const noexcept { return pid_; }
  /// Becomes readable when the process has ended: for `loop::watch`.
  [[nodiscard]] int descriptor_of_end() const noexcept { return end_.get(); }
  /// Nothing when the deadline passed first. Reaps; further calls repeat the answer.
  std::optional<ending> wait(deadline until);
  /// Sends a signal; nothing happens once it was reaped.
  void signal(int number) noexcept;
  [[nodiscard]] bool running() const noexcept { return pid_ > 0 && !ended_; }

 private:
  friend expected<process> spawn(program const& what);
  int pid_ = 0;
  descriptor end_;
  std::optional<ending> ended_;
};

/// Starts a program with all signals unblocked and at their defaults, but SIGHUP stays ignored if it is. *Threads*:
/// any; note that PR_SET_PDEATHSIG in the program refers to the end of the calling *thread*.
expected<process> spawn(program const& what);

}  // namespace lovage::io
