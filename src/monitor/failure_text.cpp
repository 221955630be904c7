#include "monitor/failure_text.hpp"

#include "monitor/event_fields.hpp"

#include <array>
#include <cstdint>

namespace lovage::monitor {
namespace {

constexpr std::size_t alike_limit = 300, quoted_limit = 200;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_word(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::size_t hex_run(std::string_view s) {
  std::size_t n = 0;
  while (n < s.size() && is_hex(s[n])) ++n;
  return n;
}

// Octets of a UUID at the front; 0: none.
std::size_t uuid_at(std::string_view s) {
  constexpr std::array<std::size_t, 5> parts{8, 4, 4, 4, 12};
  std::size_t at = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0 && (at >= s.size() || s[at++] != '-')) return 0;
    if (hex_run(s.substr(at)) < parts[i]) return 0;
    at += parts[i];
  }
  return at;
}

// 0x7ffe01, or a word of eight and more hexadecimal digits with a figure among them.
std::size_t hex_at(std::string_view s) {
  if (s.size() > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && is_hex(s[2])) return 2 + hex_run(s.substr(2));
  auto const n = hex_run(s);
  if (n < 8 || (n < s.size() && is_word(s[n]))) return 0;
  for (std::size_t i = 0; i < n; ++i)
    if (is_digit(s[i])) return n;
  return 0;
}

std::size_t number_at(std::string_view s) {
  if (!is_digit(s[0])) return 0;
  std::size_t n = 1;
  while (n < s.size() &&
         (is_digit(s[n]) || ((s[n] == '.' || s[n] == ',' || s[n] == ':') && n + 1 < s.size() && is_digit(s[n + 1]))))
    ++n;
  return n;
}

std::size_t quoted_at(std::string_view s) {
  if (s[0] != '\'' && s[0] != '"') return 0;
  for (std::size_t i = 1; i < s.size() && i < quoted_limit; ++i) {
    if (s[i] == '\\')
      ++i;
    else if (s[i] == s[0])
      return i + 1;
  }
  return 0;
}

struct piece {
  std::size_t size = 0;
  char const* instead = "";
};

// What stands at the front and differs from one failure to the next; `fresh`: no word goes on here.
piece varying(std::string_view s, bool fresh) {
  if (fresh) {
    if (auto const n = quoted_at(s)) return {n, "<text>"};
    if (auto const n = uuid_at(s)) return {n, "<id>"};
    if (auto const n = hex_at(s)) return {n, "<hex>"};
  }
  if (auto const n = number_at(s)) return {n, "<n>"};
  return {};
}

void hash(std::uint64_t& h, std::string_view text) {
  for (unsigned char const c : text) h = (h ^ c) * 0x100000001b3ULL;
  h = (h ^ 0xff) * 0x100000001b3ULL;  // no text holds it: parts do not run together
}

}  // namespace

failure_parts parts_of_exception(std::string_view exception) {
  auto const open = exception.find('(');
  if (open == std::string_view::npos || exception.empty() || exception.back() != ')')
    return {std::string{exception.substr(0, exception.find_first_of(" :\n"))}, std::string{exception}};
  auto inner = exception.substr(open + 1, exception.size() - open - 2);
  if (inner.size() > 1 && inner.back() == ',') inner.remove_suffix(1);  // as older Pythons write it
  bool const one_quoted = inner.size() >= 2 && (inner[0] == '\'' || inner[0] == '"') && inner.back() == inner[0] &&
                          (inner.size() > quoted_limit || quoted_at(inner) == inner.size());
  if (one_quoted) inner = inner.substr(1, inner.size() - 2);
  return {std::string{exception.substr(0, open)}, std::string{inner}};
}

std::string alike_text(std::string_view message) {
  std::string out;
  for (std::size_t at = 0; at < message.size() && out.size() < alike_limit;) {
    bool const fresh = at == 0 || !is_word(message[at - 1]);
    if (auto const p = varying(message.substr(at), fresh); p.size > 0) {
      out += p.instead;
      at += p.size;
      continue;
    }
    bool const blank = is_blank(message[at]);
    if (!blank) out += message[at];
    if (blank && !out.empty() && out.back() != ' ') out += ' ';
    ++at;
  }
  return clean_text(out, alike_limit);
}

std::string error_group_of(std::string_view task, std::string_view type, std::string_view alike) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  hash(h, task), hash(h, type), hash(h, alike);
  constexpr char const* digits = "0123456789abcdef";
  std::string out(16, '0');
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = digits[h >> (60 - 4 * i) & 15];
  return out;
}

}  // namespace lovage::monitor
