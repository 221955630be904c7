// UTF-8, one sequence at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lovage::wire {

/// One decoded sequence; `size` 0 when the bytes are no UTF-8.
struct code_point {
  std::uint32_t value = 0;
  std::uint8_t size = 0;
};

/// Reads the sequence at the front of `s` (not empty). `surrogates` lets ED A0..BF xx pass (WTF-8): that is how a
/// lone `\ud800` of a JSON text is kept, see json.cpp.
[[nodiscard]] inline code_point first_code_point(std::string_view s, bool surrogates = false) noexcept {
  auto const at = [&](std::size_t i) { return static_cast<std::uint8_t>(s[i]); };
  auto const more = [&](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  std::uint8_t const b = at(0);
  if (b < 0x80) return {b, 1};
  if (b < 0xc2) return {};
  if (b < 0xe0) {
    if (s.size() < 2 || !more(1)) return {};
    return {(b & 0x1fu) << 6 | (at(1) & 0x3fu), 2};
  }
  if (b < 0xf0) {
    if (s.size() < 3 || !more(1) || !more(2)) return {};
    std::uint32_t const c = (b & 0x0fu) << 12 | (at(1) & 0x3fu) << 6 | (at(2) & 0x3fu);
    if (c < 0x800 || (!surrogates && c >= 0xd800 && c < 0xe000)) return {};
    return {c, 3};
  }
  if (b > 0xf4 || s.size() < 4 || !more(1) || !more(2) || !more(3)) return {};
  std::uint32_t const c = (b & 0x07u) << 18 | (at(1) & 0x3fu) << 12 | (at(2) & 0x3fu) << 6 | (at(3) & 0x3fu);
  if (c < 0x10000 || c > 0x10ffff) return {};
  return {c, 4};
}

/// Offset of the first byte that is not UTF-8, looked for from the sequence that begins at `from`; npos when all is
/// well.
[[nodiscard]] inline std::size_t find_invalid_utf8(std::string_view s, std::size_t from = 0) noexcept {
  for (std::size_t i = from; i < s.size();) {
    if (static_cast<std::uint8_t>(s[i]) < 0x80) {
      ++i;
      continue;
    }
    auto const c = first_code_point(s.substr(i));
    if (c.size == 0) return i;
    i += c.size;
  }
  return std::string_view::npos;
}
[[nodiscard]] inline bool is_utf8(std::string_view s) noexcept {
  return find_invalid_utf8(s) == std::string_view::npos;
}

/// Appends `c` (below 0x110000); a surrogate as its three bytes.
inline void append_utf8(std::string& out, std::uint32_t c) {
  auto const put = [&](std::uint32_t b) { out += static_cast<char>(static_cast<std::uint8_t>(b)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xe0 | c >> 12);
    } else {
      put(0xf0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3f));
    }
    put(0x80 | (c >> 6 & 0x3f));
  }
  put(0x80 | (c & 0x3f));
}

}  // namespace lovage::wire
