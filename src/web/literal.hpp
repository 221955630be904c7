// Python's way of writing values, which events have arguments in: "(2, 'a')", "{'x': None}".
#pragma once

#include <lovage/value.hpp>

#include <optional>
#include <string_view>

namespace lovage::web {

/// Numbers, texts, bytes, None, True, False, lists, tuples (as lists), dicts with text keys. Nothing for anything else:
/// objects ("<User 7>"), a text that was cut short ("..."), more than 100 levels.
[[nodiscard]] std::optional<value> read_literal(std::string_view text);

}  // namespace lovage::web
