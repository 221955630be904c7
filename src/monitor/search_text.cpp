#include "monitor/search_text.hpp"

#include "wire/utf8.hpp"

#include <algorithm>
#include <cstdint>

namespace lovage::monitor {
namespace {

constexpr std::size_t longest = 1'000;

bool is_unparted(std::uint32_t c) {
  return (c >= 0x2E80 && c <= 0x9FFF) || (c >= 0xAC00 && c <= 0xD7AF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x3FFFF);
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Whether the tokenizer finds a word in it: letters and figures, of whatever script.
bool has_word(std::string_view s) {
  return std::any_of(s.begin(), s.end(), [](unsigned char c) {
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

std::string quoted(std::string_view s) {
  std::string out = "\"";
  for (char const c : indexed_text(s)) out += c == '"' || c == '\0' ? ' ' : c;
  return out + "\"";
}

}  // namespace

std::string indexed_text(std::string_view text) {
  if (std::none_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0xE2; })) return std::string{text};
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  for (std::size_t at = 0; at < text.size();) {
    auto const c = wire::first_code_point(text.substr(at), true);
    auto const size = std::max<std::size_t>(1, c.size);
    bool const alone = is_unparted(c.value);
    if (alone) out += ' ';
    out += text.substr(at, size);
    if (alone) out += ' ';
    at += size;
  }
  return out;
}

expected<std::string> search_expression(std::string_view typed) {
  if (typed.size() > longest) return fail(errc::invalid_argument, "search for less: at most 1,000 octets of text", "q");
  std::string out;
  for (std::size_t at = 0; at < typed.size();) {
    if (is_space(typed[at])) {
      ++at;
      continue;
    }
    bool const phrase = typed[at] == '"';
    if (phrase) ++at;
    auto end = at;
    while (end < typed.size() && (phrase ? typed[end] != '"' : !is_space(typed[end]) && typed[end] != '"')) ++end;
    auto word = typed.substr(at, end - at);
    at = phrase ? std::min(end + 1, typed.size()) : end;
    bool const open = !word.empty() && !phrase && word.back() == '*';
    if (open) word.remove_suffix(1);
    if (has_word(word)) out += (out.empty() ? "" : " AND ") + quoted(word) + (open ? " *" : "");
  }
  return out;
}

}  // namespace lovage::monitor
