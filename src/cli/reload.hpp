// Starting the same command anew in this process.
#pragma once

#include <string>
#include <vector>

namespace lovage::cli {

/// How this program was called; to be read before directories change. *Threads*: any once made.
class invocation {
 public:
  invocation();

  /// Whether a program started now could load these plug-ins: runs `lovage tasks` with them. Logs why not.
  [[nodiscard]] bool would_load(std::vector<std::string> const& plugins) const;
  /// Replaces this process by the program as it is on disk now, with the same words. Returns only on failure, logged.
  void again() const;
  /// From now on TERM, HUP and USR1 wait until somebody reads them, also over `again`: a program that is about to begin
  /// anew would lose the one, or die of the other.
  static void hold_signals();

 private:
  std::string program_;
  std::vector<std::string> words_;
};

}  // namespace lovage::cli
