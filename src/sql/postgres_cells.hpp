// Cells to and from the text that PostgreSQL writes them as.
#pragma once

#include "sql/session.hpp"

#include <optional>

namespace lovage::sql {

/// A parameter: its text, or its octets where `binary`; nothing for null.
struct postgres_parameter {
  std::optional<std::string> content;
  bool binary = false;
};

inline constexpr std::string_view no_nul_in_text = "PostgreSQL keeps no text with a NUL in it; store it as octets";

/// Error `encode` for text with a NUL, which PostgreSQL cannot keep.
[[nodiscard]] expected<postgres_parameter> to_parameter(cell const& c);
/// What a column of this type (pg_type) holds.
[[nodiscard]] cell to_cell(unsigned type, std::string_view text);

}  // namespace lovage::sql
