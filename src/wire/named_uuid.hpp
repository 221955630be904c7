// Identifiers that are made from a name: whoever makes one again gets the same.
#pragma once

#include <lovage/types.hpp>

#include <string_view>

namespace lovage::wire {

/// The version 5 (SHA-1) UUID of a name in a space, as Python's `uuid.uuid5` makes it.
[[nodiscard]] uuid named_uuid(uuid const& space, std::string_view name);

}  // namespace lovage::wire
