// Columns for people.
#pragma once

#include <string>
#include <vector>

namespace lovage::cli {

using text_row = std::vector<std::string>;

/// Rows under a header, columns two spaces apart; `align` has one letter per column, 'l' or 'r'. Lines end without
/// trailing spaces. Widths are those of a terminal.
[[nodiscard]] std::string format_table(text_row const& header, std::vector<text_row> const& rows,
                                       std::string const& align);

}  // namespace lovage::cli
