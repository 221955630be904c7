// Schedules as configuration has them: Celery's shapes, and ours.
#pragma once

#include <lovage/expected.hpp>
#include <lovage/schedule.hpp>
#include <lovage/value.hpp>

namespace lovage::beats {

/// A number of seconds; a text as `schedule::parse` reads it; or a map:
///
///     {minute = "*/15", hour = [8, 20], day_of_week = "mon-fri", timezone = "Europe/Berlin"}   what is left out is *
///     {every = "1h30m"}, with from = "2026-11-30T08:00:00Z" or without
///     {event = "sunset", latitude = 52.5, longitude = 13.4}, also as lat and lon
///     {at = "2026-11-30T08:00:00Z"}
///
/// Errors: `invalid_argument` naming the member and the fix.
[[nodiscard]] expected<schedule> schedule_of_value(value const& v);

}  // namespace lovage::beats
