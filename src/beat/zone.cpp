#include "beat/zone.hpp"

#include "core/ascii.hpp"

#include <date/tz.h>

#include <algorithm>

namespace lovage::beats {
namespace {

constexpr std::uint16_t first_of_database = 2;
// Years that std::chrono::year knows, with room for an offset.
constexpr time_point earliest{std::chrono::seconds{-900'000'000'000}}, latest{std::chrono::seconds{900'000'000'000}};

/// Nothing where the system has no database.
std::vector<::date::time_zone> const* database() {
  try {
    return &::date::get_tzdb().zones;
  } catch (std::exception const&) {
    return nullptr;
  }
}

bool same_but_for_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

time_point within_years(::date::sys_seconds t) { return std::clamp(time_point{t}, earliest, latest); }

}  // namespace

expected<std::uint16_t> zone_number(std::string_view name) {
  if (name == "UTC") return utc_zone;
  auto const* const zones = database();
  auto const quoted = "\"" + std::string{name} + "\"";
  if (!zones)
    return fail(errc::invalid_argument, "there is no tz database to look for " + quoted + " in: install tzdata");
  auto const at = std::lower_bound(zones->begin(), zones->end(), name,
                                   [](::date::time_zone const& z, std::string_view n) { return z.name() < n; });
  if (at != zones->end() && at->name() == name)
    return static_cast<std::uint16_t>(at - zones->begin() + first_of_database);
  auto const near = std::find_if(zones->begin(), zones->end(),
                                 [&](::date::time_zone const& z) { return same_but_for_case(z.name(), name); });
  return fail(errc::invalid_argument,
              "no time zone is called " + quoted +
                  (near == zones->end() ? ", write one of the tz database, such as Europe/Berlin or UTC"
                                        : ", write " + near->name()));
}

std::string zone_name(std::uint16_t number) {
  if (number < first_of_database) return number == utc_zone ? "UTC" : "";
  return (*database())[number - first_of_database].name();
}

zone_span zone_at(std::uint16_t number, time_point at) {
  if (number < first_of_database) return {earliest, latest, std::chrono::seconds{0}};
  auto const& zone = (*database())[number - first_of_database];
  auto const info = zone.get_info(std::chrono::floor<std::chrono::seconds>(std::clamp(at, earliest, latest)));
  return {within_years(info.begin), within_years(info.end), info.offset};
}

std::vector<std::string> zone_names() {
  std::vector<std::string> out;
  if (auto const* const zones = database())
    for (auto const& zone : *zones) out.push_back(zone.name());
  return out;
}

}  // namespace lovage::beats
