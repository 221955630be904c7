#include "wire/pickle_octets.hpp"

#include "wire/pickle_integer.hpp"
#include "wire/utf8.hpp"

#include <bit>
#include <charconv>
#include <cstdlib>

namespace lovage::wire::pickled {
namespace {

std::uint32_t hex_number(std::string_view digits) {
  std::uint32_t out = 0;
  auto const [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), out, 16);
  if (wrong != std::errc{} || end != digits.data() + digits.size()) broken("a text has a wrong escape");
  return out;
}

char unescaped(char c) {
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
  }
}

}  // namespace

value text_value(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    auto const c = first_code_point(text.substr(i), true);
    if (c.size == 0) broken("a text is no UTF-8");
    i += c.size;
  }
  return value{text};
}

value text_or_bytes(std::string_view data) { return is_utf8(data) ? value{data} : value{bytes{std::string{data}}}; }

value raw_unicode(std::string_view line) {
  std::string out;
  while (!line.empty()) {
    std::size_t const digits = line.starts_with("\\u") ? 4 : line.starts_with("\\U") ? 8 : 0;
    if (digits == 0) {
      append_utf8(out, static_cast<unsigned char>(line.front()));
      line.remove_prefix(1);
      continue;
    }
    if (line.size() < 2 + digits) broken("a text has a wrong escape");
    auto const c = hex_number(line.substr(2, digits));
    if (c > 0x10ffff) broken("a text has a wrong escape");
    append_utf8(out, c);
    line.remove_prefix(2 + digits);
  }
  return text_value(out);
}

value quoted_text(std::string_view line) {
  if (line.size() < 2 || line.front() != line.back() || (line.front() != '\'' && line.front() != '"'))
    broken("a text has no quotes");
  line = line.substr(1, line.size() - 2);
  std::string out;
  while (!line.empty()) {
    if (line.front() != '\\') {
      out += line.front();
      line.remove_prefix(1);
    } else if (line.size() >= 4 && line[1] == 'x') {
      out += static_cast<char>(hex_number(line.substr(2, 2)));
      line.remove_prefix(4);
    } else if (line.size() >= 2 && line[1] != 'x') {
      out += unescaped(line[1]);
      line.remove_prefix(2);
    } else {
      broken("a text has a wrong escape");
    }
  }
  return text_or_bytes(out);
}

value integer_line(std::string_view line) {
  if (line == "00") return value{false};
  if (line == "01") return value{true};
  if (line.ends_with('L')) line.remove_suffix(1);
  auto const octets = octets_of_integer(line);
  if (!octets) broken("an integer has other signs than digits, or too many");
  return *integer_of_octets(*octets);
}

value long_value(std::string_view octets) {
  auto out = integer_of_octets(octets);
  if (!out) broken("an integer is longer than " + std::to_string(most_integer_octets) + " octets");
  return *std::move(out);
}

value real_line(std::string_view line) {
  std::string const text{line};
  char* end = nullptr;
  auto const out = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') broken("a number is none");
  return value{out};
}

value real_octets(octet_source& in) {
  std::uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) bits = bits << 8 | in.octet();
  return value{std::bit_cast<double>(bits)};
}

std::uint64_t memo_line(std::string_view line) {
  std::uint64_t out = 0;
  auto const [end, wrong] = std::from_chars(line.data(), line.data() + line.size(), out);
  if (wrong != std::errc{} || end != line.data() + line.size()) broken("a memo has no number");
  return out;
}

}  // namespace lovage::wire::pickled
