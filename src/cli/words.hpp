// The pure parts of reading a command line: words to values, durations, near misses.
#pragma once

#include <lovage/call_options.hpp>
#include <lovage/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::cli {

/// JSON when it is JSON, else the word itself: `2` is an int, `[1,2]` a list, `paris` and `2b` are strings.
[[nodiscard]] value value_of_word(std::string_view word);
/// A JSON list or map; throws `usage_error` naming the option otherwise.
[[nodiscard]] value::list list_of_json(std::string_view option, std::string_view text);
[[nodiscard]] value::map map_of_json(std::string_view option, std::string_view text);

/// A count of seconds, not negative: "10", "0.5". Throws `usage_error` naming the option.
[[nodiscard]] double seconds_of(std::string_view option, std::string_view text);
/// ISO 8601; without an offset it is UTC. Throws `usage_error` naming the option.
[[nodiscard]] time_point moment_of(std::string_view option, std::string_view text);
/// Seconds from now or a moment, into the options.
void set_expires(call_options& into, std::string_view text);

/// The candidate that `wrong` was probably meant to be; empty when none is near.
[[nodiscard]] std::string nearest(std::string_view wrong, std::vector<std::string> const& candidates);

}  // namespace lovage::cli
