// Values without the passwords in them.
#pragma once

#include <lovage/config.hpp>
#include <lovage/value.hpp>

#include <string_view>

namespace lovage::settings {

/// Passwords stand in addresses, where `**` takes their place, and under names that say so, where `mask` does, at any
/// depth.
[[nodiscard]] value masked(value const& v, std::string_view mask = "**");

/// The settings in effect by name, as `inspect conf` shows them: those that were set, or all `with_defaults`. Nothing
/// in it is secret; passwords are eight stars, as Celery's.
[[nodiscard]] value::map table_of(config const& c, bool with_defaults);

}  // namespace lovage::settings
