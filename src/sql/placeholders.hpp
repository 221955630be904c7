#pragma once

#include <string>
#include <string_view>

namespace lovage::sql {

/// A statement with `?` for its values, with PostgreSQL's `$1`, `$2`, ... instead. What stands in quotes stays.
[[nodiscard]] std::string numbered(std::string_view statement);

}  // namespace lovage::sql
