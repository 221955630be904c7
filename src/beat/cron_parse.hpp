// Crontab fields, read.
#pragma once

#include "beat/cron_fields.hpp"

#include <lovage/expected.hpp>

#include <array>
#include <cstddef>
#include <string_view>

namespace lovage::beats {

/// Puts one field's text into the sets, which are unchanged on failure. Errors name the field, the piece and the fix.
[[nodiscard]] expected<void> read_cron_field(cron_sets& into, std::size_t field, std::string_view text);
/// Five fields, in the text's order, that name some day.
[[nodiscard]] expected<cron_sets> read_crontab(std::array<std::string_view, cron_field_count> const& fields);
/// Fails for 31 February and the like.
[[nodiscard]] expected<void> demand_some_day(cron_sets const& sets);

}  // namespace lovage::beats
