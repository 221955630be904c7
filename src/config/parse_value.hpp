// A value for a setting: from text by the setting's type, checked against its bounds, in one canonical form.
#pragma once

#include "config/settings.hpp"

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace lovage::settings {

/// Where text stands for other types (command line, environment, code), or only durations do (a typed file).
enum class texts { any_type, durations_only };

/// The canonical form: str; bool; int; int or null; int or float of seconds (whole milliseconds); list of str; map of
/// pattern to queue; structured_values.hpp tells the rest. An error's detail names setting, expectation, example and
/// what came, but for what may hold passwords; `where` is the caller's.
[[nodiscard]] expected<value> check(setting const& row, value const& v, texts how);

/// The default in canonical form; of a text-like or optional setting without one: "", null, or an empty list or map.
[[nodiscard]] value initial_value(setting const& row);

/// The canonical form as text of a command line; lists, routes and queues as `a,b` where that says all, else as JSON.
/// Passwords are masked, in URLs and in maps.
[[nodiscard]] std::string show(setting const& row, value const& canonical);

/// "an integer from 0 to 9": what is expected, with bounds.
[[nodiscard]] std::string expectation(setting const& row);

/// Seconds of "90", "1.5", "10s", "5m", "1h30m", "1d", "250ms", "never"; nothing when it is none of these.
[[nodiscard]] std::optional<double> parse_seconds(std::string_view text);

}  // namespace lovage::settings
