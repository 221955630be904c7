// Identifiers made from names.
#pragma once

#include <lovage/types.hpp>

#include <string_view>

namespace lovage::wire {

/// The name-based UUID (version 5, RFC 4122) of a name within a space: always the same one, as Python's `uuid.uuid5`.
[[nodiscard]] uuid name_uuid(uuid const& space, std::string_view name);

}  // namespace lovage::wire
