// Python's scalars as text: what a format without a type of its own for them carries.
#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <string>
#include <string_view>

namespace lovage::wire {

/// "2020-01-02".
[[nodiscard]] std::string to_iso(date d);
/// "03:04:05" or "03:04:05.600000".
[[nodiscard]] std::string to_iso(time_of_day t);
[[nodiscard]] expected<date> parse_iso_date(std::string_view text);
/// Without an offset: `time_of_day` has no place for one.
[[nodiscard]] expected<time_of_day> parse_iso_time(std::string_view text);

/// Whether Python has such a date (years 1 to 9999), time (one day) and offset (less than a day).
/// *On failure*: `encode`.
[[nodiscard]] expected<void> check_range(datetime const& d);
[[nodiscard]] expected<void> check_range(date d);
[[nodiscard]] expected<void> check_range(time_of_day t);

/// As kombu 5.2 writes a datetime into JSON: a final "+00:00" becomes "Z".
[[nodiscard]] std::string plain_text(datetime const& d);
/// As kombu 5.2 does: midnight of that day, "2020-01-02T00:00:00".
[[nodiscard]] std::string plain_text(date d);

/// An optional minus sign and digits.
[[nodiscard]] bool is_integer_text(std::string_view s) noexcept;
/// Normal form of integer text (checked by the caller): int64 or uint64 when it fits, big_integer otherwise.
[[nodiscard]] value integer_from_text(std::string_view digits);

/// Number text of the JSON grammar with a fraction or an exponent; too large reads as infinity, too small as zero.
[[nodiscard]] double real_from_text(std::string_view s) noexcept;

/// Python's `repr` of a float: shortest digits that read back, "1.0", "1e+16", "nan", "inf".
void append_float(std::string& out, double d);
void append_integer(std::string& out, std::int64_t i);
void append_integer(std::string& out, std::uint64_t u);

}  // namespace lovage::wire
