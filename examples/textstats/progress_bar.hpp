// A bar on a terminal; a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstddef>

namespace textstats {

class progress_bar {
 public:
  explicit progress_bar(std::size_t total);
  void show(std::size_t done, std::size_t failed);
  /// Ends the bar's line.
  void finish(std::size_t done, std::size_t failed);
  [[nodiscard]] double seconds() const;

 private:
  void draw(std::size_t done, std::size_t failed) const;

  using clock = std::chrono::steady_clock;
  std::size_t total_;
  bool terminal_;
  clock::time_point started_ = clock::now(), shown_{};
};

}  // namespace textstats
