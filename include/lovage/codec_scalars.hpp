// The trait `codec<T>`, and what it is for numbers, texts, moments and whatever else is one item.
#pragma once

#include <lovage/iso_time.hpp>
#include <lovage/unpack.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lovage {

/// Specialise for types of your own; for a struct of named members one line does:
///
///     template <> struct lovage::codec<shop::point>
///         : lovage::fields<shop::point, lovage::field<"x", &shop::point::x>, lovage::field<"y", &shop::point::y>> {};
///
/// A specialisation has `write(packer&, T const&)`, `read(unpacker&) -> T` (throws `lovage::error{errc::decode}` saying
/// what it expected) and `name() -> std::string` for help texts.
template <class T>
struct codec;

namespace detail {

template <class T>
inline constexpr bool always_false = false;

template <class T>
concept has_codec = requires(packer& p, unpacker& u, T const& t) {
  codec<T>::write(p, t);
  { codec<T>::read(u) } -> std::convertible_to<T>;
};

template <class I>
I narrow(unpacker& from) {
  auto const wrong = [](std::string const& text) -> error {
    return error{errc::decode, text + " does not fit a " + std::to_string(sizeof(I) * 8) + "-bit " +
                                   (std::is_signed_v<I> ? "int" : "unsigned int")};
  };
  switch (from.peek()) {
    case pack_kind::integer: {
      auto const i = from.integer();
      if (!std::in_range<I>(i)) throw wrong(std::to_string(i));
      return static_cast<I>(i);
    }
    case pack_kind::unsigned_integer: {
      auto const u = from.unsigned_integer();
      if (!std::in_range<I>(u)) throw wrong(std::to_string(u));
      return static_cast<I>(u);
    }
    case pack_kind::extension: {
      auto const v = from.any();
      if (auto const* big = v.get_if<big_integer>()) throw wrong(big->text);
      throw error{errc::decode, std::string{"expected int, got "} + v.kind()};
    }
    default: throw error{errc::decode, std::string{"expected int, got "} + from.peek_name()};
  }
}

/// Python's extra scalars arrive as themselves, or as text from peers that have no tags for them.
template <class T>
T scalar(unpacker& from, char const* what, std::optional<T> (*from_text)(std::string_view)) {
  auto const v = from.any();
  if (auto const* t = v.get_if<T>()) return *t;
  if (auto const* s = v.get_if<std::string>())
    if (auto t = from_text(*s)) return *std::move(t);
  auto const* s = v.get_if<std::string>();
  throw error{errc::decode, std::string{"expected "} + what + ", got " + (s ? "'" + *s + "'" : std::string{v.kind()})};
}

}  // namespace detail

template <class T>
[[nodiscard]] std::string type_name() {
  return codec<T>::name();
}

template <>
struct codec<bool> {
  static void write(packer& to, bool b) { to.boolean(b); }
  static bool read(unpacker& from) { return from.boolean(); }
  static std::string name() { return "bool"; }
};

template <class I>
  requires(std::integral<I> && !std::same_as<I, bool>)
struct codec<I> {
  static void write(packer& to, I i) {
    if constexpr (std::is_signed_v<I>) {
      to.integer(i);
    } else {
      to.unsigned_integer(i);
    }
  }
  static I read(unpacker& from) { return detail::narrow<I>(from); }
  static std::string name() {
    return (std::is_signed_v<I> ? "int" : "uint") + (sizeof(I) == 4 ? std::string{} : std::to_string(sizeof(I) * 8));
  }
};

template <std::floating_point F>
struct codec<F> {
  static void write(packer& to, F f) { to.real(static_cast<double>(f)); }
  static F read(unpacker& from) { return static_cast<F>(from.real()); }
  static std::string name() { return "float"; }
};

/// An enumeration travels as its number. Give it a `codec` of its own where names are wanted.
template <class E>
  requires std::is_enum_v<E>
struct codec<E> {
  using number = std::underlying_type_t<E>;
  static void write(packer& to, E e) { codec<number>::write(to, static_cast<number>(e)); }
  static E read(unpacker& from) { return static_cast<E>(codec<number>::read(from)); }
  static std::string name() { return codec<number>::name(); }
};

template <>
struct codec<std::string> {
  static void write(packer& to, std::string_view s) { to.text(s); }
  static std::string read(unpacker& from) { return std::string{from.text()}; }
  static std::string name() { return "str"; }
};

/// As a parameter: a view into the message, good while the task runs.
template <>
struct codec<std::string_view> {
  static void write(packer& to, std::string_view s) { to.text(s); }
  static std::string_view read(unpacker& from) { return from.text(); }
  static std::string name() { return "str"; }
};

/// Text is taken too, for peers whose serializer has no bytes.
template <>
struct codec<bytes> {
  static void write(packer& to, bytes const& b) { to.binary(b.data); }
  static bytes read(unpacker& from) {
    return bytes{std::string{from.peek() == pack_kind::text ? from.text() : from.binary()}};
  }
  static std::string name() { return "bytes"; }
};

template <>
struct codec<std::vector<std::byte>> {
  static void write(packer& to, std::vector<std::byte> const& b) {
    to.binary({reinterpret_cast<char const*>(b.data()), b.size()});
  }
  static std::vector<std::byte> read(unpacker& from) {
    auto const s = codec<bytes>::read(from).data;
    auto const* first = reinterpret_cast<std::byte const*>(s.data());
    return {first, first + s.size()};
  }
  static std::string name() { return "bytes"; }
};

template <>
struct codec<value> {
  static void write(packer& to, value const& v) { to.any(v); }
  static value read(unpacker& from) { return from.any(); }
  static std::string name() { return "any"; }
};

template <>
struct codec<std::monostate> {
  static void write(packer& to, std::monostate) { to.nil(); }
  static std::monostate read(unpacker& from) { return from.nil(), std::monostate{}; }
  static std::string name() { return "null"; }
};

template <>
struct codec<std::nullptr_t> {
  static void write(packer& to, std::nullptr_t) { to.nil(); }
  static std::nullptr_t read(unpacker& from) { return from.nil(), nullptr; }
  static std::string name() { return "null"; }
};

template <>
struct codec<uuid> {
  static void write(packer& to, uuid const& u) { to.id(u); }
  static uuid read(unpacker& from) { return detail::scalar<uuid>(from, "uuid", &uuid::parse); }
  static std::string name() { return "uuid"; }
};

template <>
struct codec<decimal> {
  static void write(packer& to, decimal const& d) { to.extension(pack_ext::decimal, d.text); }
  static decimal read(unpacker& from) {
    if (from.peek() == pack_kind::integer) return decimal{std::to_string(from.integer())};
    return detail::scalar<decimal>(from, "decimal", [](std::string_view s) -> std::optional<decimal> {
      bool const ok = !s.empty() && s.find_first_not_of("+-.0123456789eE") == s.npos;
      return ok ? std::optional{decimal{std::string{s}}} : std::nullopt;
    });
  }
  static std::string name() { return "decimal"; }
};

template <>
struct codec<big_integer> {
  static void write(packer& to, big_integer const& b) { to.extension(pack_ext::big_integer, b.text); }
  static big_integer read(unpacker& from) {
    if (from.peek() == pack_kind::integer) return big_integer{std::to_string(from.integer())};
    if (from.peek() == pack_kind::unsigned_integer) return big_integer{std::to_string(from.unsigned_integer())};
    return detail::scalar<big_integer>(from, "int", [](std::string_view) { return std::optional<big_integer>{}; });
  }
  static std::string name() { return "int"; }
};

template <>
struct codec<datetime> {
  static void write(packer& to, datetime const& d) { to.when(d); }
  static datetime read(unpacker& from) { return detail::scalar<datetime>(from, "datetime", &iso_to_datetime); }
  static std::string name() { return "datetime"; }
};

template <>
struct codec<date> {
  static void write(packer& to, date d) { to.day(d); }
  static date read(unpacker& from) {
    return detail::scalar<date>(from, "date", [](std::string_view s) -> std::optional<date> {
      auto const d = iso_to_datetime(s);
      if (!d) return std::nullopt;
      return date{static_cast<std::int32_t>(
          std::chrono::floor<std::chrono::days>(std::chrono::microseconds{d->local_us}).count())};
    });
  }
  static std::string name() { return "date"; }
};

template <>
struct codec<time_of_day> {
  static void write(packer& to, time_of_day t) { to.clock(t); }
  static time_of_day read(unpacker& from) {
    return detail::scalar<time_of_day>(from, "time", [](std::string_view s) -> std::optional<time_of_day> {
      auto const d = iso_to_datetime("1970-01-01T" + std::string{s});
      return d ? std::optional{time_of_day{d->local_us}} : std::nullopt;
    });
  }
  static std::string name() { return "time"; }
};

/// A moment in UTC; naive Python datetimes are taken as UTC.
template <class D>
struct codec<std::chrono::time_point<std::chrono::system_clock, D>> {
  using point = std::chrono::time_point<std::chrono::system_clock, D>;
  static void write(packer& to, point t) { to.when(datetime::from(std::chrono::floor<std::chrono::microseconds>(t))); }
  static point read(unpacker& from) {
    return std::chrono::time_point_cast<D>(codec<datetime>::read(from).to_time_point());
  }
  static std::string name() { return "datetime"; }
};

/// Seconds: an int when the duration is whole, else a float.
template <class R, class P>
struct codec<std::chrono::duration<R, P>> {
  using span = std::chrono::duration<R, P>;
  static void write(packer& to, span d) {
    auto const whole = std::chrono::duration_cast<std::chrono::seconds>(d);
    if (whole == d) return to.integer(whole.count());
    to.real(std::chrono::duration<double>(d).count());
  }
  static span read(unpacker& from) {
    if (from.peek() == pack_kind::integer)
      return std::chrono::duration_cast<span>(std::chrono::seconds{from.integer()});
    return std::chrono::duration_cast<span>(std::chrono::duration<double>{from.real()});
  }
  static std::string name() { return "seconds"; }
};

template <class T>
struct codec<std::optional<T>> {
  static void write(packer& to, std::optional<T> const& o) {
    if (o) return codec<T>::write(to, *o);
    to.nil();
  }
  static std::optional<T> read(unpacker& from) {
    if (from.peek() == pack_kind::nil) return from.nil(), std::nullopt;
    return codec<T>::read(from);
  }
  static std::string name() { return type_name<T>() + "?"; }
};

}  // namespace lovage
