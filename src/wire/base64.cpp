#include "wire/base64.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace lovage::wire {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Two digits for each twelve bits.
constexpr auto pairs = [] {
  std::array<std::array<char, 2>, 4096> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = {alphabet[i >> 6], alphabet[i & 63]};
  return table;
}();

constexpr auto digits = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::int8_t>(i);
  return table;
}();

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

std::string to_base64(std::string_view data) {
  std::string out;
  append_base64(out, data);
  return out;
}

// Through a block that stays in the nearest cache: a string's room cannot be had without filling it first.
void append_base64(std::string& out, std::string_view data) {
  out.reserve(out.size() + (data.size() + 2) / 3 * 4);
  std::array<char, 4096> block;
  auto const octet = [&](std::size_t i) { return std::uint32_t{static_cast<std::uint8_t>(data[i])}; };
  std::size_t i = 0;
  while (i + 3 <= data.size()) {
    auto const end = i + std::min((data.size() - i) / 3, block.size() / 4) * 3;
    auto* to = block.data();
    for (; i < end; i += 3, to += 4) {
      auto const bits = octet(i) << 16 | octet(i + 1) << 8 | octet(i + 2);
      std::memcpy(to, pairs[bits >> 12].data(), 2);
      std::memcpy(to + 2, pairs[bits & 4095].data(), 2);
    }
    out.append(block.data(), static_cast<std::size_t>(to - block.data()));
  }
  if (i == data.size()) return;
  bool const two = i + 2 == data.size();
  auto const bits = octet(i) << 16 | (two ? octet(i + 1) << 8 : 0);
  out += alphabet[bits >> 18];
  out += alphabet[bits >> 12 & 63];
  out += two ? alphabet[bits >> 6 & 63] : '=';
  out += '=';
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  std::size_t have = 0, padding = 0;
  for (char const c : text) {
    if (is_space(c)) continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    auto const digit = digits[static_cast<std::uint8_t>(c)];
    if (digit < 0 || padding != 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    if (++have % 4 != 0) continue;
    out += static_cast<char>(bits >> 16 & 0xff);
    out += static_cast<char>(bits >> 8 & 0xff);
    out += static_cast<char>(bits & 0xff);
  }
  std::size_t const left = have % 4;
  if (left == 1 || (left == 0 ? padding != 0 : padding != 4 - left)) return std::nullopt;
  if (left >= 2) out += static_cast<char>((left == 2 ? bits >> 4 : bits >> 10) & 0xff);
  if (left == 3) out += static_cast<char>(bits >> 2 & 0xff);
  return out;
}

}  // namespace lovage::wire
