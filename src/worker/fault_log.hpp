// How a failure that goes on is told: at once, then now and then, and when it is over. Pure.
#pragma once

#include <lovage/error.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace lovage::work {

class fault_log {
 public:
  using clock = std::chrono::steady_clock;

  /// The line to log, or nothing while the last one about the same thing is young.
  [[nodiscard]] std::optional<std::string> failed(std::string_view what, error_info const& why, clock::time_point now);
  /// The line that says that all is well again, after a failure; nothing otherwise.
  [[nodiscard]] std::optional<std::string> works(clock::time_point now);

  /// Failures since all was well.
  [[nodiscard]] int count() const noexcept { return count_; }
  /// How long to wait before the next attempt: 10 ms, doubled with each failure, one second at most.
  [[nodiscard]] std::chrono::milliseconds wait() const noexcept;

 private:
  int count_ = 0;
  std::string last_;
  clock::time_point since_{}, said_{};
};

}  // namespace lovage::work
