// A value of any shape: what a message holds before it is known which task reads it.
#pragma once

#include <lovage/types.hpp>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace lovage {
namespace detail {

/// Where T stands among Ts.
template <class T, class... Ts>
consteval std::uint8_t position() {
  static_assert((std::same_as<T, Ts> || ...), "lovage: a value never holds this type");
  std::uint8_t at = 0;
  (void)((std::same_as<T, Ts> || (++at, false)) || ...);
  return at;
}

}  // namespace detail

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

  // Bodies that deal with a whole list or map stand below `member`, which they need to know.
  value() noexcept {}
  value(value const& other);
  value(value&& other) noexcept;
  /// *Guarantee*: strong. What is assigned may be a part of what it replaces.
  value& operator=(value const& other);
  value& operator=(value&& other) noexcept;
  ~value();
  value(std::nullptr_t) noexcept {}
  value(bool b) : holds_{alternative::boolean}, boolean_{b} {}
  template <class I>
    requires(std::integral<I> && !std::same_as<I, bool>)
  value(I i) : holds_{alternative::integer}, integer_{static_cast<std::int64_t>(i)} {
    if constexpr (std::unsigned_integral<I>) {
      if (integer_ < 0) set_unsigned(i);  // it was above INT64_MAX
    }
  }
  value(double d) : holds_{alternative::real}, real_{d} {}
  value(char const* s) : holds_{alternative::text}, text_{s} {}
  value(std::string_view s) : holds_{alternative::text}, text_{s} {}
  value(std::string s) : holds_{alternative::text}, text_{std::move(s)} {}
  value(list l);
  value(map m);
  template <class T>
    requires(std::same_as<T, bytes> || std::same_as<T, big_integer> || std::same_as<T, decimal> ||
             std::same_as<T, uuid> || std::same_as<T, datetime> || std::same_as<T, date> ||
             std::same_as<T, time_of_day>)
  value(T t) : holds_{alternative_of<T>} {
    ::new (address()) T{std::move(t)};
  }

  template <class T>
  [[nodiscard]] bool is() const noexcept {
    return holds_ == alternative_of<T>;
  }
  [[nodiscard]] bool is_null() const noexcept { return holds_ == alternative::null; }
  /// The alternative, or nullptr when the value is another kind.
  template <class T>
  [[nodiscard]] T const* get_if() const noexcept {
    return is<T>() ? static_cast<T const*>(address()) : nullptr;
  }
  template <class T>
  [[nodiscard]] T* get_if() noexcept {
    return is<T>() ? static_cast<T*>(address()) : nullptr;
  }
  /// Replaces what is held by an empty (or zero) T, to be filled in place.
  template <class T>
  T& emplace() noexcept {
    end();
    holds_ = alternative_of<T>;
    return *::new (address()) T{};
  }
  /// What `f` returns when it is called with the alternative (std::monostate for null). It takes every one of them.
  template <class F>
  decltype(auto) visit(F&& f) const;

  /// Member of a map; nullptr when this is no map or has no such key.
  [[nodiscard]] value const* find(std::string_view key) const noexcept;
  [[nodiscard]] value* find(std::string_view key) noexcept;

  /// "null", "bool", "int", "float", "str", "bytes", "list", "map", "decimal", ... for error texts.
  [[nodiscard]] char const* kind() const noexcept;

  friend bool operator==(value const& a, value const& b);

 private:
  // A union and a tag by hand, since std::variant took half of the time that a plug-in took to compile.
  enum class alternative : std::uint8_t {
    null,
    boolean,
    integer,
    unsigned_integer,
    real,
    text,
    bytes,
    list,
    map,
    big_integer,
    decimal,
    uuid,
    datetime,
    date,
    time_of_day
  };
  template <class T>
  static constexpr auto alternative_of = static_cast<alternative>(
      detail::position<T, std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, lovage::bytes, list,
                       map, lovage::big_integer, lovage::decimal, lovage::uuid, lovage::datetime, lovage::date,
                       lovage::time_of_day>());

  void set_unsigned(std::uint64_t u) noexcept { holds_ = alternative::unsigned_integer, unsigned_integer_ = u; }
  template <class Other>
  void begin_as(Other&& other);
  void end() noexcept;
  void* address() noexcept { return &null_; }
  void const* address() const noexcept { return &null_; }

  alternative holds_ = alternative::null;
  union {
    std::monostate null_{};
    bool boolean_;
    std::int64_t integer_;
    std::uint64_t unsigned_integer_;
    double real_;
    std::string text_;
    lovage::bytes bytes_;
    list list_;
    map map_;
    lovage::big_integer big_integer_;
    lovage::decimal decimal_;
    lovage::uuid uuid_;
    lovage::datetime datetime_;
    lovage::date date_;
    lovage::time_of_day time_of_day_;
  };
};

struct value::member {
  std::string key;
  value val;
  friend bool operator==(member const&, member const&) = default;
};

/// Copies or moves what `other` holds into this one, where nothing lives.
template <class Other>
void value::begin_as(Other&& other) {
  switch (other.holds_) {
    case alternative::null: break;
    case alternative::boolean: boolean_ = other.boolean_; break;
    case alternative::integer: integer_ = other.integer_; break;
    case alternative::unsigned_integer: unsigned_integer_ = other.unsigned_integer_; break;
    case alternative::real: real_ = other.real_; break;
    case alternative::text: ::new (address()) std::string(std::forward<Other>(other).text_); break;
    case alternative::bytes: ::new (address()) lovage::bytes(std::forward<Other>(other).bytes_); break;
    case alternative::list: ::new (address()) list(std::forward<Other>(other).list_); break;
    case alternative::map: ::new (address()) map(std::forward<Other>(other).map_); break;
    case alternative::big_integer:
      ::new (address()) lovage::big_integer(std::forward<Other>(other).big_integer_);
      break;
    case alternative::decimal: ::new (address()) lovage::decimal(std::forward<Other>(other).decimal_); break;
    case alternative::uuid: uuid_ = other.uuid_; break;
    case alternative::datetime: datetime_ = other.datetime_; break;
    case alternative::date: date_ = other.date_; break;
    case alternative::time_of_day: time_of_day_ = other.time_of_day_; break;
  }
  holds_ = other.holds_;
}

/// Destroys what is held; nothing lives here afterwards.
inline void value::end() noexcept {
  switch (holds_) {
    case alternative::text: text_.~basic_string(); break;
    case alternative::bytes: bytes_.~bytes(); break;
    case alternative::list: list_.~vector(); break;
    case alternative::map: map_.~vector(); break;
    case alternative::big_integer: big_integer_.~big_integer(); break;
    case alternative::decimal: decimal_.~decimal(); break;
    default: break;
  }
}

inline value::value(value const& other) { begin_as(other); }
inline value::value(value&& other) noexcept { begin_as(std::move(other)); }
inline value::~value() { end(); }
// Parentheses: braces would make a list of one list.
inline value::value(list l) : holds_{alternative::list}, list_(std::move(l)) {}
inline value::value(map m) : holds_{alternative::map}, map_(std::move(m)) {}

inline value& value::operator=(value const& other) { return *this = value(other); }

inline value& value::operator=(value&& other) noexcept {
  value taken{std::move(other)};  // out of the old content, before that goes
  end();
  begin_as(std::move(taken));
  return *this;
}

template <class F>
decltype(auto) value::visit(F&& f) const {
  switch (holds_) {
    case alternative::null: break;
    case alternative::boolean: return f(boolean_);
    case alternative::integer: return f(integer_);
    case alternative::unsigned_integer: return f(unsigned_integer_);
    case alternative::real: return f(real_);
    case alternative::text: return f(text_);
    case alternative::bytes: return f(bytes_);
    case alternative::list: return f(list_);
    case alternative::map: return f(map_);
    case alternative::big_integer: return f(big_integer_);
    case alternative::decimal: return f(decimal_);
    case alternative::uuid: return f(uuid_);
    case alternative::datetime: return f(datetime_);
    case alternative::date: return f(date_);
    case alternative::time_of_day: return f(time_of_day_);
  }
  return f(std::monostate{});
}

inline bool operator==(value const& a, value const& b) {
  using alternative = value::alternative;
  if (a.holds_ != b.holds_) return false;
  switch (a.holds_) {
    case alternative::null: break;
    case alternative::boolean: return a.boolean_ == b.boolean_;
    case alternative::integer: return a.integer_ == b.integer_;
    case alternative::unsigned_integer: return a.unsigned_integer_ == b.unsigned_integer_;
    case alternative::real: return a.real_ == b.real_;
    case alternative::text: return a.text_ == b.text_;
    case alternative::bytes: return a.bytes_ == b.bytes_;
    case alternative::list: return a.list_ == b.list_;
    case alternative::map: return a.map_ == b.map_;
    case alternative::big_integer: return a.big_integer_ == b.big_integer_;
    case alternative::decimal: return a.decimal_ == b.decimal_;
    case alternative::uuid: return a.uuid_ == b.uuid_;
    case alternative::datetime: return a.datetime_ == b.datetime_;
    case alternative::date: return a.date_ == b.date_;
    case alternative::time_of_day: return a.time_of_day_ == b.time_of_day_;
  }
  return true;
}

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
  return names[static_cast<std::size_t>(holds_)];
}

}  // namespace lovage
