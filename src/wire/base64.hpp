// Base64 (RFC 4648) with padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lovage::wire {

[[nodiscard]] std::string to_base64(std::string_view data);
void append_base64(std::string& out, std::string_view data);
/// White space is skipped; anything else outside the alphabet, or wrong padding, gives nothing.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace lovage::wire
