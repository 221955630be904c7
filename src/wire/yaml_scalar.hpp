// What a plain scalar of YAML 1.1 means, by the rules of PyYAML's safe loader.
#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <string_view>

namespace lovage::wire {

enum class yaml_kind { text, null, boolean, integer, real, timestamp, merge, special };

/// The kind a plain (unquoted) scalar resolves to. `special` is "=", which PyYAML refuses.
[[nodiscard]] yaml_kind resolve_plain(std::string_view s) noexcept;

/// The value of a scalar that has that kind. *On failure*: `decode` (a 13th month, 0x with too many digits).
[[nodiscard]] expected<value> yaml_value(yaml_kind kind, std::string_view s);

/// What PyYAML's reader lets pass: tab, line ends, and whatever is printable.
[[nodiscard]] constexpr bool yaml_allows(std::uint32_t c) noexcept {
  return c == 0x9 || c == 0xa || c == 0xd || (c >= 0x20 && c <= 0x7e) || c == 0x85 || (c >= 0xa0 && c < 0xd800) ||
         (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

}  // namespace lovage::wire
