// Periodic tasks for people and for scripts.
#pragma once

#include <lovage/beat.hpp>

#include <string>
#include <vector>

namespace lovage::cli {

[[nodiscard]] value periodic_value(periodic_task const& t);
[[nodiscard]] std::string periodic_table(std::vector<periodic_task> const& all);
[[nodiscard]] std::string periodic_text(periodic_task const& t);
/// "; runs next at 2026-11-30T08:00:00+00:00", and nothing when it does not.
[[nodiscard]] std::string next_text(periodic_task const& t);

[[nodiscard]] value heat_value(heat_map const& of);

/// Seconds of "90", "10m", "1h30m". Throws `usage_error` naming the option.
[[nodiscard]] value duration_value(std::string const& option, std::string const& text);

}  // namespace lovage::cli
