#include "wire/scalar_text.hpp"

#include "core/ascii.hpp"
#include "wire/civil.hpp"
#include "wire/result_record.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace lovage::wire {

namespace {

constexpr std::int64_t first_day = days_from_civil({1, 1, 1});
constexpr std::int64_t last_day = days_from_civil({9999, 12, 31});

template <class I>
void append_any_integer(std::string& out, I i) {
  char buffer[24];
  auto const end = std::to_chars(buffer, buffer + sizeof buffer, i).ptr;
  out.append(buffer, end);
}

/// Whether number text that does not fit a double is too large (and not too small): looks where its first digit
/// other than zero stands.
bool is_huge(std::string_view s) noexcept {
  std::int64_t place = 0;  // power of ten of the first such digit, plus one
  bool seen = false, point = false;
  std::size_t i = 0;
  for (; i < s.size() && (s[i] | 0x20) != 'e'; ++i) {
    if (s[i] == '.') {
      point = true;
    } else if (is_digit(s[i])) {
      seen = seen || s[i] != '0';
      if (seen && !point) ++place;
      if (!seen && point) --place;
    }
  }
  std::int64_t exponent = 0;
  if (i + 1 < s.size()) {
    bool const negative = s[i + 1] == '-';
    for (++i; i < s.size(); ++i)
      if (is_digit(s[i])) exponent = std::min<std::int64_t>(exponent * 10 + (s[i] - '0'), INT64_C(1) << 50);
    if (negative) exponent = -exponent;
  }
  return place + exponent > 0;
}

}  // namespace

expected<void> check_range(date d) {
  if (d.days >= first_day && d.days <= last_day) return {};
  return fail(errc::encode, "a date outside the years 1 to 9999 has no form in Python");
}

expected<void> check_range(datetime const& d) {
  auto const day = split_days(d.local_us).days;
  if (day < first_day || day > last_day)
    return fail(errc::encode, "a datetime outside the years 1 to 9999 has no form in Python");
  if (d.offset_s && (*d.offset_s <= -86400 || *d.offset_s >= 86400))
    return fail(errc::encode, "a datetime's offset of " + std::to_string(*d.offset_s) + " s is not below one day");
  return {};
}

expected<void> check_range(time_of_day t) {
  if (t.us >= 0 && t.us < us_per_day) return {};
  return fail(errc::encode, "a time of day of " + std::to_string(t.us) + " us is not within one day");
}

std::string plain_text(datetime const& d) {
  auto text = to_iso(d);
  if (d.offset_s == 0) text.replace(text.size() - 6, 6, "Z");
  return text;
}

std::string plain_text(date d) { return to_iso(d) + "T00:00:00"; }

bool is_integer_text(std::string_view s) noexcept {
  if (s.starts_with('-')) s.remove_prefix(1);
  return !s.empty() && std::all_of(s.begin(), s.end(), is_digit);
}

value integer_from_text(std::string_view s) {
  std::int64_t i = 0;
  auto const end = s.data() + s.size();
  if (std::from_chars(s.data(), end, i).ec == std::errc{}) return i;
  std::uint64_t u = 0;
  if (s.front() != '-' && std::from_chars(s.data(), end, u).ec == std::errc{}) return u;
  bool const negative = s.front() == '-';
  if (negative) s.remove_prefix(1);
  s.remove_prefix(std::min(s.find_first_not_of('0'), s.size()));
  return big_integer{(negative ? "-" : "") + std::string{s}};
}

double real_from_text(std::string_view s) noexcept {
  double d = 0;
  if (std::from_chars(s.data(), s.data() + s.size(), d).ec == std::errc{}) return d;
  d = is_huge(s) ? std::numeric_limits<double>::infinity() : 0.0;
  return s.starts_with('-') ? -d : d;
}

void append_float(std::string& out, double d) {
  if (std::isnan(d)) return void(out += "nan");
  if (std::isinf(d)) return void(out += d < 0 ? "-inf" : "inf");
  char buffer[48];
  auto const size = std::abs(d);
  bool const scientific = size != 0 && (size < 1e-4 || size >= 1e16);
  auto const end = std::to_chars(buffer, buffer + sizeof buffer, d,
                                 scientific ? std::chars_format::scientific : std::chars_format::fixed)
                       .ptr;
  out.append(buffer, end);
  if (!scientific && std::find(buffer, end, '.') == end) out += ".0";
}

void append_integer(std::string& out, std::int64_t i) { append_any_integer(out, i); }
void append_integer(std::string& out, std::uint64_t u) { append_any_integer(out, u); }

}  // namespace lovage::wire
