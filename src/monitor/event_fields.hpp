// Reading what events carry: whatever peers put there, nothing is trusted.
#pragma once

#include "wire/event.hpp"

#include <lovage/types.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace lovage::monitor {

/// `text` cut to `limit` octets at a character's border; octets that are no UTF-8 become "?".
[[nodiscard]] std::string clean_text(std::string_view text, std::size_t limit);
/// The field as text, as Python's str() shows it; empty for null and what is not there.
[[nodiscard]] std::string text_field(wire::event const& e, std::string_view key, std::size_t limit);
/// A map as JSON; empty for anything else, and when it is longer.
[[nodiscard]] std::string map_field(wire::event const& e, std::string_view key, std::size_t limit);
[[nodiscard]] std::optional<std::int64_t> integer_field(wire::event const& e, std::string_view key);
[[nodiscard]] std::optional<double> real_field(wire::event const& e, std::string_view key);
/// An ISO time, or Unix seconds.
[[nodiscard]] std::optional<time_point> time_field(wire::event const& e, std::string_view key);
/// When it happened: its own time, but not later than it arrived.
[[nodiscard]] time_point time_of(wire::event const& e, time_point arrived);
[[nodiscard]] double unix_seconds(time_point t);

}  // namespace lovage::monitor
