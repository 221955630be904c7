#include "wire/yaml_scalar.hpp"

#include "core/ascii.hpp"
#include "wire/civil.hpp"
#include "wire/scalar_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>

namespace lovage::wire {

namespace {

constexpr bool is_octal(char c) noexcept { return c >= '0' && c <= '7'; }
constexpr bool is_binary(char c) noexcept { return c == '0' || c == '1'; }
constexpr bool is_hex(char c) noexcept { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

bool one_of(std::string_view s, std::initializer_list<std::string_view> words) noexcept {
  return std::find(words.begin(), words.end(), s) != words.end();
}

/// Takes characters off the front.
struct cursor {
  std::string_view s;

  bool at_end() const noexcept { return s.empty(); }
  bool take(char c) noexcept {
    if (!s.starts_with(c)) return false;
    s.remove_prefix(1);
    return true;
  }
  bool take_any(std::string_view chars) noexcept {
    if (s.empty() || chars.find(s.front()) == std::string_view::npos) return false;
    s.remove_prefix(1);
    return true;
  }
  /// How many characters of `kind` or '_' were taken.
  template <class Kind>
  std::size_t run(Kind kind, bool underscores = true) noexcept {
    std::size_t n = 0;
    while (n < s.size() && (kind(s[n]) || (underscores && s[n] == '_'))) ++n;
    s.remove_prefix(n);
    return n;
  }
  /// `least` to `most` digits as a number; -1 when there are fewer.
  int digits(std::size_t least, std::size_t most) noexcept {
    int n = 0;
    std::size_t have = 0;
    for (; have < most && !s.empty() && is_digit(s.front()); ++have, s.remove_prefix(1)) n = n * 10 + (s.front() - '0');
    return have < least ? -1 : n;
  }
};

/// ":59" one or more times.
bool take_sexagesimal(cursor& c) noexcept {
  bool any = false;
  while (c.s.starts_with(':')) {
    auto const n = c.s.size();
    if (n >= 3 && c.s[1] >= '0' && c.s[1] <= '5' && is_digit(c.s[2])) {
      c.s.remove_prefix(3);
    } else if (n >= 2 && is_digit(c.s[1])) {
      c.s.remove_prefix(2);
    } else {
      return false;
    }
    any = true;
  }
  return any;
}

bool is_integer(std::string_view s) noexcept {
  cursor c{s};
  (void)c.take_any("+-");
  if (c.s == "0") return true;
  if (c.take('0')) {
    if (c.take('b')) return c.run(is_binary) > 0 && c.at_end();
    if (c.take('x')) return c.run(is_hex) > 0 && c.at_end();
    return c.run(is_octal) > 0 && c.at_end();
  }
  if (c.at_end() || !is_digit(c.s.front())) return false;
  (void)c.run(is_digit);
  return c.at_end() || (take_sexagesimal(c) && c.at_end());
}

/// "e+5"; the sign is not optional.
bool take_exponent(cursor& c) noexcept {
  if (!c.take_any("eE")) return true;
  return c.take_any("+-") && c.run(is_digit, false) > 0;
}

bool is_real(std::string_view s) noexcept {
  if (one_of(s, {".nan", ".NaN", ".NAN"})) return true;
  cursor c{s};
  bool const sign = c.take_any("+-");
  if (one_of(c.s, {".inf", ".Inf", ".INF"})) return true;
  if (!sign && c.take('.')) {
    if (c.at_end() || !is_digit(c.s.front())) return false;
    (void)c.run(is_digit);
    return take_exponent(c) && c.at_end();
  }
  if (c.at_end() || !is_digit(c.s.front())) return false;
  (void)c.run(is_digit);
  if (c.s.starts_with(':')) {
    if (!take_sexagesimal(c) || !c.take('.')) return false;
    (void)c.run(is_digit);
    return c.at_end();
  }
  if (!c.take('.')) return false;
  (void)c.run(is_digit);
  return take_exponent(c) && c.at_end();
}

struct timestamp {
  int year = 0, month = 0, day = 0;
  bool has_clock = false;
  int hour = 0, minute = 0, second = 0, us = 0;
  bool aware = false;
  int offset_s = 0;
};

bool read_zone(cursor& c, timestamp& t) noexcept {
  (void)c.run([](char x) { return x == ' ' || x == '\t'; }, false);
  t.aware = true;
  if (c.take('Z')) return c.at_end();
  bool const negative = c.s.starts_with('-');
  if (!c.take_any("+-")) return false;
  int const hours = c.digits(1, 2);
  int const minutes = c.take(':') ? c.digits(2, 2) : 0;
  t.offset_s = (hours * 3600 + minutes * 60) * (negative ? -1 : 1);
  return hours >= 0 && minutes >= 0 && c.at_end();
}

/// Whether the form is right; the numbers may still be no date.
bool read_timestamp(std::string_view s, timestamp& t) noexcept {
  cursor c{s};
  t.year = c.digits(4, 4);
  if (t.year < 0 || !c.take('-')) return false;
  t.month = c.digits(1, 2);
  if (t.month < 0 || !c.take('-')) return false;
  t.day = c.digits(1, 2);
  if (t.day < 0) return false;
  if (c.at_end()) return s.size() == 10;  // a date alone has two digits each
  t.has_clock = true;
  if (!c.take_any("Tt") && c.run([](char x) { return x == ' ' || x == '\t'; }, false) == 0) return false;
  t.hour = c.digits(1, 2);
  if (t.hour < 0 || !c.take(':')) return false;
  t.minute = c.digits(2, 2);
  if (t.minute < 0 || !c.take(':')) return false;
  t.second = c.digits(2, 2);
  if (t.second < 0) return false;
  if (c.take('.'))
    for (int place = 100'000; !c.at_end() && is_digit(c.s.front()); place /= 10) t.us += c.digits(1, 1) * place;
  return c.at_end() || read_zone(c, t);
}

expected<value> timestamp_value(std::string_view s) {
  timestamp t;
  bool ok = read_timestamp(s, t) && t.year >= 1 && t.month >= 1 && t.month <= 12 && t.day >= 1;
  ok = ok && static_cast<unsigned>(t.day) <= days_in_month(t.year, static_cast<unsigned>(t.month));
  ok = ok && t.hour < 24 && t.minute < 60 && t.second < 60 && t.offset_s > -86400 && t.offset_s < 86400;
  if (!ok) return fail(errc::decode, "no such time: " + std::string{s.substr(0, 40)});
  auto const days = days_from_civil({t.year, static_cast<unsigned>(t.month), static_cast<unsigned>(t.day)});
  if (!t.has_clock) return value{date{static_cast<std::int32_t>(days)}};
  datetime d{days * us_per_day + ((t.hour * 60 + t.minute) * 60 + t.second) * us_per_second + t.us, std::nullopt};
  if (t.aware) d.offset_s = t.offset_s;
  return value{d};
}

expected<value> sexagesimal_value(std::string_view digits, bool negative) {
  std::int64_t sum = 0;
  while (!digits.empty()) {
    std::int64_t part = 0;
    auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), part);
    if (ec != std::errc{} || sum > (INT64_MAX - part) / 60)
      return fail(errc::decode, "an integer to base 60 that does not fit 64 bits");
    sum = sum * 60 + part;
    digits.remove_prefix(std::min(digits.size(), static_cast<std::size_t>(end - digits.data()) + 1));
  }
  return value{negative ? -sum : sum};
}

expected<value> integer_value(std::string_view s) {
  std::string digits;
  std::remove_copy(s.begin(), s.end(), std::back_inserter(digits), '_');
  std::string_view rest = digits;
  bool const negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.find(':') != std::string_view::npos) return sexagesimal_value(rest, negative);
  int const base = rest.starts_with("0b") ? 2 : rest.starts_with("0x") ? 16 : rest.starts_with('0') ? 8 : 10;
  if (base == 10) return integer_from_text(negative ? "-" + std::string{rest} : std::string{rest});
  if (base != 8) rest.remove_prefix(2);
  std::uint64_t u = 0;
  auto const [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), u, base);
  if (ec != std::errc{} || end != rest.data() + rest.size() || (negative && u > static_cast<std::uint64_t>(INT64_MAX)))
    return fail(errc::decode, "no integer of 64 bits: " + digits.substr(0, 40));
  if (negative) return value{-static_cast<std::int64_t>(u)};
  return value{u};
}

value real_value(std::string_view s) {
  std::string digits;
  for (char const c : s)
    if (c != '_') digits += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::string_view rest = digits;
  double const sign = rest.starts_with('-') ? -1.0 : 1.0;
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == ".nan") return std::numeric_limits<double>::quiet_NaN();
  if (rest == ".inf") return sign * std::numeric_limits<double>::infinity();
  double sum = 0;
  for (;;) {
    auto const colon = rest.find(':');
    sum = sum * 60 + real_from_text(rest.substr(0, colon));
    if (colon == std::string_view::npos) return sign * sum;
    rest.remove_prefix(colon + 1);
  }
}

}  // namespace

yaml_kind resolve_plain(std::string_view s) noexcept {
  if (one_of(s, {"", "~", "null", "Null", "NULL"})) return yaml_kind::null;
  if (one_of(s, {"yes", "Yes", "YES", "no", "No", "NO", "true", "True", "TRUE", "false", "False", "FALSE", "on", "On",
                 "ON", "off", "Off", "OFF"}))
    return yaml_kind::boolean;
  if (s == "<<") return yaml_kind::merge;
  if (s == "=") return yaml_kind::special;
  if (is_real(s)) return yaml_kind::real;
  if (is_integer(s)) return yaml_kind::integer;
  timestamp t;
  if (is_digit(s.front()) && read_timestamp(s, t)) return yaml_kind::timestamp;
  return yaml_kind::text;
}

expected<value> yaml_value(yaml_kind kind, std::string_view s) {
  switch (kind) {
    case yaml_kind::null: return value{};
    case yaml_kind::boolean:
      return value{one_of(s.substr(0, 2), {"ye", "Ye", "YE", "tr", "Tr", "TR", "on", "On", "ON"})};
    case yaml_kind::integer: return integer_value(s);
    case yaml_kind::real: return real_value(s);
    case yaml_kind::timestamp: return timestamp_value(s);
    case yaml_kind::merge: return fail(errc::decode, "merge keys (<<) are not supported; write the members out");
    case yaml_kind::special:
    case yaml_kind::text: break;
  }
  return value{s};
}

}  // namespace lovage::wire
