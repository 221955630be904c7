#include "worker/node_name.hpp"

namespace lovage::work {

std::string expand_node_name(std::string_view pattern, std::string_view host) {
  auto const dot = host.find('.');
  auto const label = host.substr(0, dot);
  auto const domain = dot == host.npos ? std::string_view{} : host.substr(dot + 1);
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%' || i + 1 == pattern.size()) {
      out += pattern[i];
      continue;
    }
    switch (pattern[++i]) {
      case 'h': out += host; break;
      case 'n': out += label; break;
      case 'd': out += domain; break;
      case '%': out += '%'; break;
      default: (out += '%') += pattern[i];
    }
  }
  if (out.find('@') == out.npos) (out += '@') += host;
  return out;
}

}  // namespace lovage::work
