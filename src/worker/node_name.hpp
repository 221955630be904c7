#pragma once

#include <string>
#include <string_view>

namespace lovage::work {

/// Fills in a node name's pattern: `%h` whole host name, `%n` its first label, `%d` the rest, `%%` a percent sign. A
/// name without `@` gets `@%h`.
[[nodiscard]] std::string expand_node_name(std::string_view pattern, std::string_view host);

}  // namespace lovage::work
