// Moments as databases write them: UTC, whole days in the proleptic Gregorian calendar.
#pragma once

#include <lovage/types.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace lovage::sql {

/// "2026-11-30 09:00:00.123456"
[[nodiscard]] std::string write_sql_time(time_point at);
/// A date and a time with a blank or `T` between, a fraction or none, a zone ("+00", "+05:30", "Z") or none, which is
/// UTC. Nothing for all else.
[[nodiscard]] std::optional<time_point> read_sql_time(std::string_view text);

}  // namespace lovage::sql
