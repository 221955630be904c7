#include "worker/control_address.hpp"

#include "config/name_pattern.hpp"

#include <algorithm>

namespace lovage::work {

bool is_for(wire::control_request const& request, std::string const& node) {
  if (auto const& names = request.destination; names && !names->empty())
    return std::find(names->begin(), names->end(), node) != names->end();
  if (!request.pattern || request.pattern->empty()) return true;
  auto const matcher = request.matcher.value_or("glob");
  if (matcher != "glob" && matcher != "pcre") return false;
  auto const pattern = name_pattern::compile(matcher == "pcre" ? "/" + *request.pattern + "/" : *request.pattern);
  return pattern && pattern->matches(node);
}

}  // namespace lovage::work
