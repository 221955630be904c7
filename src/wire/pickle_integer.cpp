#include "wire/pickle_integer.hpp"

#include "wire/scalar_text.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace lovage::wire {
namespace {

constexpr std::uint64_t billion = 1'000'000'000;
constexpr std::size_t most_digits = most_integer_octets * 5 / 2;  // a little more than they can have

using limbs = std::vector<std::uint32_t>;  // least first

bool is_negative(std::string_view octets) { return !octets.empty() && (octets.back() & 0x80) != 0; }

/// Its absolute value.
limbs magnitude_of(std::string_view octets) {
  bool const negative = is_negative(octets);
  limbs out((octets.size() + 3) / 4, 0);
  unsigned carry = negative ? 1 : 0;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    auto octet = static_cast<unsigned>(static_cast<unsigned char>(octets[i]));
    if (negative) {
      octet = (~octet & 0xffU) + carry;
      carry = octet >> 8;
    }
    out[i / 4] |= (octet & 0xffU) << i % 4 * 8;
  }
  return out;
}

void drop_zeros(limbs& of) {
  while (!of.empty() && of.back() == 0) of.pop_back();
}

std::string decimal_text(limbs from, bool negative) {
  std::string out;  // last digit first
  for (drop_zeros(from); !from.empty(); drop_zeros(from)) {
    std::uint64_t rest = 0;
    for (auto at = from.rbegin(); at != from.rend(); ++at) {
      auto const whole = rest << 32 | *at;
      *at = static_cast<std::uint32_t>(whole / billion);
      rest = whole % billion;
    }
    for (int i = 0; i < 9; ++i, rest /= 10) out += static_cast<char>('0' + rest % 10);
  }
  while (out.size() > 1 && out.back() == '0') out.pop_back();
  if (out.empty()) out = "0";
  if (negative) out += '-';
  std::reverse(out.begin(), out.end());
  return out;
}

limbs read_digits(std::string_view digits) {
  limbs out;
  for (std::size_t i = 0; i < digits.size();) {
    auto const n = (digits.size() - i - 1) % 9 + 1;  // the first piece is short
    std::uint64_t carry = 0, scale = 1;
    for (std::size_t k = 0; k < n; ++k, ++i, scale *= 10) carry = carry * 10 + static_cast<unsigned>(digits[i] - '0');
    for (auto& limb : out) {
      auto const whole = limb * scale + carry;
      limb = static_cast<std::uint32_t>(whole);
      carry = whole >> 32;
    }
    if (carry != 0) out.push_back(static_cast<std::uint32_t>(carry));
  }
  return out;
}

}  // namespace

std::optional<value> integer_of_octets(std::string_view octets) {
  if (octets.size() > most_integer_octets) return std::nullopt;
  return integer_from_text(decimal_text(magnitude_of(octets), is_negative(octets)));
}

std::optional<std::string> octets_of_integer(std::string_view text) {
  bool const negative = text.starts_with('-');
  auto const digits = text.substr(negative ? 1 : 0);
  if (!is_integer_text(text) || digits.size() > most_digits) return std::nullopt;
  auto size = read_digits(digits);
  size.push_back(0);  // for the sign
  std::string out;
  for (auto const limb : size)
    for (int i = 0; i < 4; ++i) out += static_cast<char>(limb >> i * 8 & 0xff);
  if (negative) {
    unsigned carry = 1;
    for (auto& c : out) {
      auto const octet = (~static_cast<unsigned>(static_cast<unsigned char>(c)) & 0xffU) + carry;
      c = static_cast<char>(octet & 0xff);
      carry = octet >> 8;
    }
  }
  char const filler = negative ? '\xff' : '\0';
  auto const has_sign = [&](char c) { return (c & 0x80) == (filler & 0x80); };
  while (out.size() > 1 && out.back() == filler && has_sign(out[out.size() - 2])) out.pop_back();
  return out;
}

}  // namespace lovage::wire
