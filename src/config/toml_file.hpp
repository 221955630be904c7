// A TOML text as the assignments it makes; knows TOML, not which settings there are.
#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace lovage::settings {

/// One key with its value, in the file's order. Tables are maps in the file's order.
struct assignment {
  std::string key;
  value val;
  std::string place;                ///< "lovage.toml:3"
  std::vector<assignment> members;  ///< of a table: the same again, with their places
};

/// Reads `text`; `file` is for places and errors. *On failure*: `bad_config`, `where` is "file:line:column".
/// Refuses texts over 256 KiB and nesting over 32 levels.
[[nodiscard]] expected<std::vector<assignment>> read_toml(std::string_view text, std::string const& file);

}  // namespace lovage::settings
