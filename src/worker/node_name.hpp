#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace lovage::work {

/// `%x` becomes what `text_of('x')` gives, `%%` a percent sign; what it does not know stays as it is.
[[nodiscard]] std::string fill_in(std::string_view pattern,
                                  std::function<std::optional<std::string_view>(char)> const& text_of);

/// Fills in a node name's pattern: `%h` whole host name, `%n` its first label, `%d` the rest, `%%` a percent sign. A
/// name without `@` gets `@%h`.
[[nodiscard]] std::string expand_node_name(std::string_view pattern, std::string_view host);

}  // namespace lovage::work
