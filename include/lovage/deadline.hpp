// An absolute point on the steady clock that everything which can wait takes as a parameter.
#pragma once

#include <algorithm>
#include <chrono>

namespace lovage {

/// When to give up waiting. Composes down a call chain without arithmetic; saturates instead of overflowing.
///
///     result.get(deadline::in(10s));   // or simply get(10s)
class deadline {
 public:
  using clock = std::chrono::steady_clock;

  /// Never passes.
  static deadline never() noexcept { return deadline{clock::time_point::max()}; }
  /// Has already passed: try once, do not wait.
  static deadline now() noexcept { return deadline{clock::time_point::min()}; }
  /// `d` from now; zero or negative has already passed.
  template <class Rep, class Period>
  static deadline in(std::chrono::duration<Rep, Period> d) noexcept {
    if (d <= d.zero()) return now();
    auto const base = clock::now();
    auto const room = clock::time_point::max() - base;
    if (std::chrono::duration<double>(d) >= std::chrono::duration<double>(room)) return never();
    return deadline{base + std::chrono::ceil<clock::duration>(d)};
  }
  static deadline at(clock::time_point t) noexcept { return deadline{t}; }

  template <class Rep, class Period>
  deadline(std::chrono::duration<Rep, Period> d) noexcept : deadline{in(d)} {}

  [[nodiscard]] bool is_never() const noexcept { return at_ == clock::time_point::max(); }
  [[nodiscard]] bool passed() const noexcept { return !is_never() && clock::now() >= at_; }
  /// Time left; zero when passed, `clock::duration::max()` when never.
  [[nodiscard]] clock::duration left() const noexcept {
    if (is_never()) return clock::duration::max();
    if (at_ == clock::time_point::min()) return clock::duration::zero();
    return std::max(at_ - clock::now(), clock::duration::zero());
  }
  [[nodiscard]] clock::time_point when() const noexcept { return at_; }
  [[nodiscard]] deadline sooner(deadline other) const noexcept { return at_ < other.at_ ? *this : other; }

 private:
  explicit deadline(clock::time_point t) noexcept : at_{t} {}
  clock::time_point at_;
};

}  // namespace lovage
