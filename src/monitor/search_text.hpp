// What people type into the search field, as SQLite's full-text search understands it.
#pragma once

#include <lovage/expected.hpp>

#include <string>
#include <string_view>

namespace lovage::monitor {

/// What is indexed of a text: itself, with a blank beside each Chinese, Japanese and Korean character, since these
/// languages do not part their words and the index knows words only.
[[nodiscard]] std::string indexed_text(std::string_view text);

/// `time out`: both words; `"time out"`: the phrase; `time*`: words that begin so. Nothing else has a meaning: all
/// other signs only part words. Empty where `typed` has no word in it. Errors: `invalid_argument` (over 1,000 octets).
[[nodiscard]] expected<std::string> search_expression(std::string_view typed);

}  // namespace lovage::monitor
