#pragma once

#include <string>

namespace lovage::sql {

/// A text of libpq on one line, without the server's source position.
[[nodiscard]] std::string flat_text(std::string text);

}  // namespace lovage::sql
