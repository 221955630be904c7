#include "beat/sun.hpp"

#include "beat/zone.hpp"

#include <libnova/nutation.h>
#include <libnova/sidereal_time.h>
#include <libnova/solar.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lovage::beats {
namespace {

constexpr double epoch_julian = 2440587.5;         // 1970-01-01T00:00Z
constexpr double degrees_a_day = 360.98564736629;  // the Earth's turn against the stars
constexpr double parallax = 8.794 / 3600;          // degrees
constexpr double aberration = 20.4955 / 3600;
constexpr double julian_2000 = 2451545;
constexpr double terrestrial_ahead = 69.2 / 86400;  // days, in these decades
constexpr double day_us = 86'400e6;
constexpr int patience_days = 400;
constexpr std::int64_t whole_second_us = 1'000'000;

double radians(double degrees) { return degrees * std::numbers::pi / 180; }
/// -180 to 180.
double half_turn(double degrees) { return std::remainder(degrees, 360); }

/// The sun over a place for half a day before and after it stands highest.
class sun_day {
 public:
  /// `day` counts from 1970-01-01, by the sun over this place.
  sun_day(double latitude, double longitude, std::int64_t day) : latitude_{radians(latitude)} {
    noon_ = static_cast<double>(day) + 0.5 - longitude / 360 + epoch_julian;
    for (int i = 0; i < 3; ++i) noon_ -= half_turn(turn(noon_) + longitude - position(noon_).ra) / 360;
    for (int i = 0; i < 3; ++i) {
      auto const at = position(noon_ + (i - 1) * 0.5);
      right_ascension_[i] = i == 0 ? at.ra : right_ascension_[0] + half_turn(at.ra - right_ascension_[0]);
      declination_[i] = at.dec;
    }
    turned_ = turn(noon_) + longitude;
    radius_ = ln_get_solar_sdiam(noon_) / 3600;
  }

  double noon() const { return noon_; }
  double radius() const { return radius_; }

  /// Degrees above the horizon, so many days from noon (half a one at most).
  double altitude(double from_noon) const {
    auto const dec = radians(between(declination_, from_noon));
    auto const hour_angle = radians(turned_ + degrees_a_day * from_noon - between(right_ascension_, from_noon));
    auto const sine = std::sin(latitude_) * std::sin(dec) + std::cos(latitude_) * std::cos(dec) * std::cos(hour_angle);
    return std::asin(std::fmin(1, std::fmax(-1, sine))) * 180 / std::numbers::pi;
  }

  /// Between midnight and noon, or noon and midnight; nothing when the sun stays above or below.
  std::optional<double> passes(double degrees, bool rising) const {
    degrees += parallax * std::cos(radians(degrees));  // seen from the ground, not from the Earth's centre
    double below = rising ? -0.5 : 0.5, above = 0;
    if (altitude(below) >= degrees || altitude(above) <= degrees) return std::nullopt;
    for (int i = 0; i < 32; ++i) {
      auto const middle = (below + above) / 2;
      (altitude(middle) < degrees ? below : above) = middle;
    }
    return noon_ + above;
  }

 private:
  struct place {
    double ra, dec;
  };
  /// libnova's geometric place is against the equinox of 2000, and so are what it calls apparent ones, which lack the
  /// aberration besides: taken as they are, the sun rises a minute and a half off. So this goes on from the first.
  static place position(double julian) {
    auto const ephemeris = julian + terrestrial_ahead;
    ln_helio_posn sun{};
    ln_get_solar_geom_coords(ephemeris, &sun);
    ln_nutation nods{};
    ln_get_nutation(ephemeris, &nods);
    auto const centuries = (ephemeris - julian_2000) / 36525;
    auto const precession = (5029.0966 + 1.1111 * centuries) * centuries / 3600;
    auto const longitude = radians(sun.L + precession - aberration / sun.R + nods.longitude);
    auto const tilt = radians(23.4392911 - 0.0130042 * centuries + nods.obliquity);
    return {std::atan2(std::sin(longitude) * std::cos(tilt), std::cos(longitude)) * 180 / std::numbers::pi,
            std::asin(std::sin(tilt) * std::sin(longitude)) * 180 / std::numbers::pi};
  }
  static double turn(double julian) { return ln_get_apparent_sidereal_time(julian) * 15; }
  /// A parabola through the three.
  static double between(double const (&of)[3], double from_noon) {
    auto const t = from_noon * 2;
    return of[1] + t * ((of[2] - of[0]) + t * (of[2] - 2 * of[1] + of[0])) / 2;
  }

  double latitude_, noon_, turned_, radius_;
  double right_ascension_[3], declination_[3];
};

std::optional<time_point> on_day(sun_event const& event, double latitude, double longitude, std::int64_t day) {
  sun_day const sun{latitude, longitude, day};
  std::optional<double> at = sun.noon();
  if (event.side != sun_event::transit)
    at = sun.passes(event.degrees - (event.edge ? sun.radius() : 0), event.side == sun_event::rising);
  if (!at) return std::nullopt;
  auto const us = std::llround((*at - epoch_julian) * day_us / whole_second_us) * whole_second_us;
  return time_point{std::chrono::microseconds{us}};
}

/// Days since 1970-01-01, by the sun over this place.
std::int64_t day_of(time_point at, double longitude) {
  return static_cast<std::int64_t>(
      std::floor(static_cast<double>(at.time_since_epoch().count()) / day_us + longitude / 360));
}

}  // namespace

expected<std::uint8_t> sun_event_number(std::string_view name, double latitude, double longitude) {
  auto const found = std::find_if(sun_events.begin(), sun_events.end(), [&](auto const& e) { return e.name == name; });
  if (found == sun_events.end()) {
    std::string names;
    for (auto const& e : sun_events) names += (names.empty() ? "" : ", ") + std::string{e.name};
    return fail(errc::invalid_argument, "\"" + std::string{name} + "\" is no event of the sun; there are " + names);
  }
  if (!(std::abs(latitude) <= 90)) return fail(errc::invalid_argument, "a latitude goes from -90 to 90 degrees");
  if (!(std::abs(longitude) <= 180)) return fail(errc::invalid_argument, "a longitude goes from -180 to 180 degrees");
  return static_cast<std::uint8_t>(found - sun_events.begin());
}

std::optional<time_point> next_sun_event(std::uint8_t event, double latitude, double longitude, time_point after) {
  if (after > last_moment) return std::nullopt;
  auto const first = day_of(std::max(after, first_moment), longitude) - 1;
  for (auto day = first; day < first + patience_days; ++day)
    if (auto const at = on_day(sun_events[event], latitude, longitude, day); at && *at > after) return at;
  return std::nullopt;
}

std::optional<time_point> previous_sun_event(std::uint8_t event, double latitude, double longitude, time_point before) {
  if (before < first_moment) return std::nullopt;
  auto const last = day_of(std::min(before, last_moment), longitude) + 1;
  for (auto day = last; day > last - patience_days; --day)
    if (auto const at = on_day(sun_events[event], latitude, longitude, day); at && *at < before) return at;
  return std::nullopt;
}

}  // namespace lovage::beats
