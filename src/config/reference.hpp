// docs/reference/settings.md, made from the table.
#pragma once

#include <string>

namespace lovage::settings {

/// The whole page as Markdown.
[[nodiscard]] std::string reference_page();

}  // namespace lovage::settings
