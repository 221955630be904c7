// Time zones: the system's tz database, by number. (The header of the library that reads it is slow, and stays in the
// source.)
#pragma once

#include <lovage/expected.hpp>
#include <lovage/types.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::beats {

/// Numbers hold in this process alone. UTC is there without a database.
inline constexpr std::uint16_t no_zone = 0, utc_zone = 1;

/// Years 1 to 9999: nothing is due outside.
inline constexpr time_point first_moment{std::chrono::seconds{-62'135'596'800}},
    last_moment{std::chrono::seconds{253'402'300'800}};

/// A stretch of time, [begin, end), in which a zone's clocks keep their distance from UTC.
struct zone_span {
  time_point begin, end;
  std::chrono::seconds offset{0};  ///< local time is UTC plus this
};

/// Errors: `invalid_argument` for a name that is not in the database, or when there is no database. *Threads*: any.
[[nodiscard]] expected<std::uint16_t> zone_number(std::string_view name);
/// Empty for `no_zone`.
[[nodiscard]] std::string zone_name(std::uint16_t number);
/// `no_zone` is UTC.
[[nodiscard]] zone_span zone_at(std::uint16_t number, time_point at);
/// All that the database has, in alphabetical order.
[[nodiscard]] std::vector<std::string> zone_names();

}  // namespace lovage::beats
