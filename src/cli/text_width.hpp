// How many columns of a terminal a text takes: Chinese takes two a character.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lovage::cli {

/// Columns of UTF-8; a byte that is none counts one.
[[nodiscard]] std::size_t text_width(std::string_view text);

/// Exactly so many columns: cut with "…" at the end, or filled up on the side that `align` ('l' or 'r') leaves. What
/// could steer the terminal (control characters, directions of writing) and what is no UTF-8 becomes "?", line ends and
/// tabs become spaces.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t width, char align = 'l');

}  // namespace lovage::cli
