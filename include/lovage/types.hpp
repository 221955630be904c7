// The small value types that tasks exchange beside numbers, strings and containers.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lovage {

/// A string that is its own type, so that a queue name is never taken for a task id.
template <class Tag>
class identifier {
 public:
  identifier() = default;
  explicit identifier(std::string text) : text_{std::move(text)} {}
  explicit identifier(char const* text) : text_{text} {}
  [[nodiscard]] std::string const& str() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  friend bool operator==(identifier const&, identifier const&) = default;
  friend auto operator<=>(identifier const&, identifier const&) = default;

 private:
  std::string text_;
};

using task_id = identifier<struct task_id_tag>;
using queue_name = identifier<struct queue_name_tag>;
using node_name = identifier<struct node_name_tag>;

/// Wall-clock time, microseconds since the Unix epoch, UTC.
using time_point = std::chrono::sys_time<std::chrono::microseconds>;

/// Raw octets (Python `bytes`).
struct bytes {
  std::string data;
  friend bool operator==(bytes const&, bytes const&) = default;
};

/// A decimal number as text, digits kept exactly (Python `Decimal`), such as "1.50".
struct decimal {
  std::string text;
  friend bool operator==(decimal const&, decimal const&) = default;
};

/// An integer outside 64 bits, as decimal text with an optional minus sign.
struct big_integer {
  std::string text;
  friend bool operator==(big_integer const&, big_integer const&) = default;
};

/// 16 octets in network order (Python `UUID`).
struct uuid {
  std::array<std::uint8_t, 16> octets{};
  friend bool operator==(uuid const&, uuid const&) = default;
  /// Lower-case canonical text, 36 characters.
  [[nodiscard]] std::string str() const;
  /// Reads canonical or plain hexadecimal text; nothing when it is neither.
  static std::optional<uuid> parse(std::string_view text);
};

/// A Python `datetime`: the reading of a wall clock, and its offset from UTC when it is aware.
struct datetime {
  /// Microseconds from 1970-01-01T00:00:00 *on that clock* (not UTC unless the offset is 0).
  std::int64_t local_us = 0;
  /// Seconds east of UTC; nothing when naive (lovage, like Celery's workers, then takes it as UTC).
  std::optional<std::int32_t> offset_s;
  friend bool operator==(datetime const&, datetime const&) = default;
  [[nodiscard]] time_point to_time_point() const {
    return time_point{std::chrono::microseconds{local_us - std::int64_t{offset_s.value_or(0)} * 1'000'000}};
  }
  static datetime from(time_point at) { return datetime{at.time_since_epoch().count(), 0}; }
};

/// A Python `date`: days from 1970-01-01.
struct date {
  std::int32_t days = 0;
  friend bool operator==(date const&, date const&) = default;
};

/// A Python `time`: microseconds from midnight.
struct time_of_day {
  std::int64_t us = 0;
  friend bool operator==(time_of_day const&, time_of_day const&) = default;
};

inline std::string uuid::str() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < octets.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += digits[octets[i] >> 4];
    out += digits[octets[i] & 15];
  }
  return out;
}

inline std::optional<uuid> uuid::parse(std::string_view text) {
  uuid out;
  std::size_t nibbles = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    if (c == '-' && text.size() == 36 && (i == 8 || i == 13 || i == 18 || i == 23)) continue;
    int const digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0 || nibbles == 32) return std::nullopt;
    out.octets[nibbles / 2] = static_cast<std::uint8_t>(out.octets[nibbles / 2] << 4 | digit);
    ++nibbles;
  }
  if (nibbles != 32) return std::nullopt;
  return out;
}

}  // namespace lovage

template <class Tag>
struct std::hash<lovage::identifier<Tag>> {
  std::size_t operator()(lovage::identifier<Tag> const& id) const noexcept {
    return std::hash<std::string>{}(id.str());
  }
};
