// When the sun does what `solar` names. (libnova knows where the sun is; its own search for rise and set gives times of
// the day before or after near the poles, so the search is here.)
#pragma once

#include <lovage/expected.hpp>
#include <lovage/types.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lovage::beats {

struct sun_event {
  std::string_view name;
  double degrees;  ///< altitude of the sun's centre; of its upper edge for rise and set, refraction included
  enum { rising, transit, setting } side;
  bool edge;
};

/// Celery's nine, by the number that `solar` keeps.
inline constexpr std::array<sun_event, 9> sun_events = {{{"dawn_astronomical", -18, sun_event::rising, false},
                                                         {"dawn_nautical", -12, sun_event::rising, false},
                                                         {"dawn_civil", -6, sun_event::rising, false},
                                                         {"sunrise", -34.0 / 60, sun_event::rising, true},
                                                         {"solar_noon", 0, sun_event::transit, false},
                                                         {"sunset", -34.0 / 60, sun_event::setting, true},
                                                         {"dusk_civil", -6, sun_event::setting, false},
                                                         {"dusk_nautical", -12, sun_event::setting, false},
                                                         {"dusk_astronomical", -18, sun_event::setting, false}}};

/// Its number. Errors: `invalid_argument` for a name that is not there and a place that is not on Earth.
[[nodiscard]] expected<std::uint8_t> sun_event_number(std::string_view name, double latitude, double longitude);

/// The first time after this one, to the second; nothing when it does not come within 400 days. Degrees, north and east
/// positive.
[[nodiscard]] std::optional<time_point> next_sun_event(std::uint8_t event, double latitude, double longitude,
                                                       time_point after);
/// The last time before this one, in the same way.
[[nodiscard]] std::optional<time_point> previous_sun_event(std::uint8_t event, double latitude, double longitude,
                                                           time_point before);

}  // namespace lovage::beats
