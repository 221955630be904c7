#include "worker/node_name.hpp"

namespace lovage::work {

std::string fill_in(std::string_view pattern, std::function<std::optional<std::string_view>(char)> const& text_of) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%' || i + 1 == pattern.size()) {
      out += pattern[i];
      continue;
    }
    auto const letter = pattern[++i];
    auto const known = letter == '%' ? std::optional<std::string_view>{"%"} : text_of(letter);
    known ? out += *known : (out += '%') += letter;
  }
  return out;
}

std::string expand_node_name(std::string_view pattern, std::string_view host) {
  auto const dot = host.find('.');
  auto out = fill_in(pattern, [&](char letter) -> std::optional<std::string_view> {
    switch (letter) {
      case 'h': return host;
      case 'n': return host.substr(0, dot);
      case 'd': return dot == host.npos ? std::string_view{} : host.substr(dot + 1);
      default: return std::nullopt;
    }
  });
  if (out.find('@') == out.npos) (out += '@') += host;
  return out;
}

}  // namespace lovage::work
