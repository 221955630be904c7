// A value or an `error_info`: std::expected's shape with one error type, for C++20.
#pragma once

#include <lovage/error.hpp>

#include <type_traits>
#include <utility>
#include <variant>

namespace lovage {

/// Makes the error side of any `expected`: `return fail(errc::decode, "body is empty", "body");`
struct failure {
  error_info info;
};

[[nodiscard]] inline failure fail(errc code, std::string detail, std::string where = {}) {
  return failure{error_info{code, std::move(detail), std::move(where)}};
}
[[nodiscard]] inline failure fail(error_info info) { return failure{std::move(info)}; }

/// Either a `T` or the reason why there is none. Reading the wrong side throws `lovage::error`.
template <class T>
class [[nodiscard]] expected {
 public:
  using value_type = T;

  expected(T value) : state_{std::in_place_index<0>, std::move(value)} {}
  expected(failure f) : state_{std::in_place_index<1>, std::move(f.info)} {}

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  [[nodiscard]] T& value() & {
    check();
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T const& value() const& {
    check();
    return *std::get_if<0>(&state_);
  }
  /// By value, so that `for (auto& x : f().value())` does not dangle.
  [[nodiscard]] T value() && {
    check();
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  T const& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  T const* operator->() const { return &value(); }

  [[nodiscard]] error_info const& error() const { return std::get<1>(state_); }
  [[nodiscard]] T value_or(T other) const { return has_value() ? value() : std::move(other); }

 private:
  void check() const {
    if (auto const* info = std::get_if<1>(&state_)) throw lovage::error{*info};
  }
  std::variant<T, error_info> state_;
};

template <>
class [[nodiscard]] expected<void> {
 public:
  using value_type = void;

  expected() = default;
  expected(failure f) : info_{std::move(f.info)}, ok_{false} {}

  [[nodiscard]] bool has_value() const noexcept { return ok_; }
  explicit operator bool() const noexcept { return ok_; }
  void value() const {
    if (!ok_) throw lovage::error{info_};
  }
  [[nodiscard]] error_info const& error() const { return info_; }

 private:
  error_info info_;
  bool ok_ = true;
};

}  // namespace lovage
