// Quoted scalars of YAML, read from the source text.
//
// yaml-cpp 0.7 loses all but one of a quoted scalar's trailing line breaks, and makes single bytes of "\N" and "\_".
// PyYAML writes all of these, so only the structure is left to yaml-cpp.
#pragma once

#include <lovage/expected.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace lovage::wire {

/// The quoted scalar of the node that starts at `source`, tag and anchor in front of it included; `parsed` is what
/// yaml-cpp took for its text. Nothing when the node is not quoted: a block scalar, or an empty node (`a: !!str`) whose
/// quoted neighbour stands in the line below. *On failure*: `decode`; yaml-cpp lets some scalars without closing quote
/// pass.
[[nodiscard]] expected<std::optional<std::string>> read_quoted(std::string_view source, std::string_view parsed);

}  // namespace lovage::wire
