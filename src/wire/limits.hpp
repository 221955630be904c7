// Bounds that all serializers share.
#pragma once

#include <lovage/value.hpp>

#include <cstddef>
#include <string>

namespace lovage::wire {

/// Lists and maps inside each other. Python's own codecs end at about a thousand (its recursion limit).
inline constexpr int max_nesting = 500;
[[nodiscard]] std::string nested_too_deep();

/// Of members with the same key the last value stays, at the place of the first: what a Python dict does.
void keep_last_of_equal_keys(value::map& m);

}  // namespace lovage::wire
