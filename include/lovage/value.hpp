// A value of any shape: what a message holds before it is known which task reads it.
#pragma once

#include <lovage/types.hpp>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace lovage {

/// Null, bool, integer, double, string, bytes, list, map, or one of Python's extra scalars.
/// Maps keep the order in which their keys were added; keys are strings.
///
///     value v{value::map{{"x", 1}, {"tags", value::list{"a", "b"}}}};
///
/// *Threads*: as std::string.
class value {
 public:
  struct member;
  using list = std::vector<value>;
  using map = std::vector<member>;
  using state = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, bytes, list, map,
                             big_integer, decimal, uuid, datetime, date, time_of_day>;

  // Bodies stand below `member`: clang wants to see it whole before it looks into the variant.
  value() noexcept;
  value(value const&);
  value(value&&) noexcept;
  value& operator=(value const&);
  value& operator=(value&&) noexcept;
  ~value();
  value(std::nullptr_t) noexcept;
  value(bool b);
  template <class I>
    requires(std::integral<I> && !std::same_as<I, bool>)
  value(I i);
  value(double d);
  value(char const* s);
  value(std::string_view s);
  value(std::string s);
  value(list l);
  value(map m);
  template <class T>
    requires(std::same_as<T, bytes> || std::same_as<T, big_integer> || std::same_as<T, decimal> ||
             std::same_as<T, uuid> || std::same_as<T, datetime> || std::same_as<T, date> ||
             std::same_as<T, time_of_day>)
  value(T t);

  template <class T>
  [[nodiscard]] bool is() const noexcept {
    return std::holds_alternative<T>(state_);
  }
  [[nodiscard]] bool is_null() const noexcept { return is<std::monostate>(); }
  /// The alternative, or nullptr when the value is another kind.
  template <class T>
  [[nodiscard]] T const* get_if() const noexcept {
    return std::get_if<T>(&state_);
  }
  template <class T>
  [[nodiscard]] T* get_if() noexcept {
    return std::get_if<T>(&state_);
  }
  [[nodiscard]] state const& get() const noexcept { return state_; }
  [[nodiscard]] state& get() noexcept { return state_; }

  /// Member of a map; nullptr when this is no map or has no such key.
  [[nodiscard]] value const* find(std::string_view key) const noexcept;
  [[nodiscard]] value* find(std::string_view key) noexcept;

  /// "null", "bool", "int", "float", "str", "bytes", "list", "map", "decimal", ... for error texts.
  [[nodiscard]] char const* kind() const noexcept;

  friend bool operator==(value const& a, value const& b);

 private:
  void set_unsigned(std::uint64_t u);
  state state_;
};

struct value::member {
  std::string key;
  value val;
  friend bool operator==(member const&, member const&) = default;
};

inline value::value() noexcept = default;
inline value::value(value const&) = default;
inline value::value(value&&) noexcept = default;
inline value& value::operator=(value const&) = default;
inline value& value::operator=(value&&) noexcept = default;
inline value::~value() = default;
inline value::value(std::nullptr_t) noexcept {}
inline value::value(bool b) : state_{b} {}
inline value::value(double d) : state_{d} {}
inline value::value(char const* s) : state_{std::string{s}} {}
inline value::value(std::string_view s) : state_{std::string{s}} {}
inline value::value(std::string s) : state_{std::move(s)} {}
inline value::value(list l) : state_{std::move(l)} {}
inline value::value(map m) : state_{std::move(m)} {}

template <class I>
  requires(std::integral<I> && !std::same_as<I, bool>)
value::value(I i) {
  if constexpr (std::signed_integral<I>) {
    state_ = static_cast<std::int64_t>(i);
  } else {
    set_unsigned(i);
  }
}

template <class T>
  requires(std::same_as<T, bytes> || std::same_as<T, big_integer> || std::same_as<T, decimal> ||
           std::same_as<T, uuid> || std::same_as<T, datetime> || std::same_as<T, date> || std::same_as<T, time_of_day>)
value::value(T t) : state_{std::move(t)} {}

inline void value::set_unsigned(std::uint64_t u) {
  if (u <= static_cast<std::uint64_t>(INT64_MAX)) {
    state_ = static_cast<std::int64_t>(u);
  } else {
    state_ = u;
  }
}

inline bool operator==(value const& a, value const& b) { return a.state_ == b.state_; }

/// First member with this key, or nullptr.
[[nodiscard]] inline value const* find(value::map const& m, std::string_view key) noexcept {
  for (auto const& item : m)
    if (item.key == key) return &item.val;
  return nullptr;
}

inline value const* value::find(std::string_view key) const noexcept {
  auto const* m = get_if<map>();
  return m ? lovage::find(*m, key) : nullptr;
}

inline value* value::find(std::string_view key) noexcept {
  return const_cast<value*>(static_cast<value const*>(this)->find(key));
}

inline char const* value::kind() const noexcept {
  static constexpr char const* names[] = {"null", "bool", "int",     "int",  "float",    "str",  "bytes", "list",
                                          "map",  "int",  "decimal", "uuid", "datetime", "date", "time"};
  return names[state_.index()];
}

}  // namespace lovage
