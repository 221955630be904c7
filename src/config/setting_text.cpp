#include "config/setting_text.hpp"

#include "config/parse_value.hpp"
#include "config/url.hpp"
#include "core/ascii.hpp"

#include <array>
#include <charconv>

namespace lovage::settings {

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  auto const from = text.find_first_not_of(blank);
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(blank) - from + 1);
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  if (trim(text).empty()) return out;
  for (;;) {
    auto const at = text.find(by);
    out.push_back(trim(text.substr(0, at)));
    if (at == text.npos) return out;
    text.remove_prefix(at + 1);
  }
}

std::string lowered(std::string_view text) {
  std::string out{text};
  for (auto& c : out) c = lower(c);
  return out;
}

std::string quoted(value const& v) {
  constexpr std::size_t longest = 60;
  if (auto const* s = v.get_if<std::string>()) {
    auto text = mask_url(*s);
    if (text.size() > longest) text = text.substr(0, longest) + "...";
    return "\"" + text + "\"";
  }
  if (auto const* b = v.get_if<bool>()) return *b ? "true" : "false";
  if (auto const* i = v.get_if<std::int64_t>()) return std::to_string(*i);
  if (auto const* u = v.get_if<std::uint64_t>()) return std::to_string(*u);
  if (auto const* d = v.get_if<double>()) {
    std::array<char, 40> digits{};
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), *d).ptr;
    return {digits.data(), end};
  }
  return std::string{"a "} + v.kind();
}

failure wrong(setting const& row, value const& got, std::string const& why) {
  std::string text{row.name};
  text += ": expects " + expectation(row) + ", such as " + std::string{row.example};
  text += why.empty() ? "; got " + quoted(got) : "; " + why;
  return fail(errc::bad_config, std::move(text));
}

}  // namespace lovage::settings
