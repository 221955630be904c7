// How often a task of each name may start here. Pure: token buckets that hold one token, as Celery's.
#pragma once

#include <lovage/expected.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

namespace lovage::work {

/// "10/s", "100/m", "1000/h", "7" (a second), "0" (no limit). Starts per second; zero: no limit. Error
/// `invalid_argument`.
[[nodiscard]] expected<double> read_rate(std::string_view text);

/// *Threads*: one.
class rate_limits {
 public:
  using clock = std::chrono::steady_clock;

  /// `disabled`: `worker_disable_rate_limits`, nothing is ever held.
  explicit rate_limits(bool disabled = false) : disabled_{disabled} {}

  /// Of this task from now on; zero: none.
  void set(std::string const& task, double per_second);
  /// Starts per second; zero: no limit.
  [[nodiscard]] double rate(std::string const& task) const;
  [[nodiscard]] bool empty() const noexcept { return disabled_ || buckets_.empty(); }

  /// When the next one may start: `now` or earlier is at once. Its token is taken.
  [[nodiscard]] clock::time_point reserve(std::string const& task, clock::time_point now);
  /// When the next `reserve` would say.
  [[nodiscard]] clock::time_point next(std::string const& task, clock::time_point now) const;

 private:
  struct bucket {
    double rate = 0;
    clock::time_point next{};  ///< when the next token is there
  };
  bool disabled_;
  std::unordered_map<std::string, bucket> buckets_;
};

}  // namespace lovage::work
