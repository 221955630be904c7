// Integers of any size as pickles hold them: two's complement, least octet first.
#pragma once

#include <lovage/value.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace lovage::wire {

/// Longer ones are refused: the work grows with the square of the length.
inline constexpr std::size_t most_integer_octets = 20'000;

/// The smallest of `value`'s integers that holds it; nothing when it is too long.
[[nodiscard]] std::optional<value> integer_of_octets(std::string_view octets);

/// As few octets as hold the sign. Nothing when `text` is no decimal integer or too long.
[[nodiscard]] std::optional<std::string> octets_of_integer(std::string_view text);

}  // namespace lovage::wire
