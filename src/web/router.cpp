#include "web/router.hpp"

#include <optional>

namespace lovage::web {
namespace {

std::string_view next_part(std::string_view& rest) {
  auto const end = rest.find('/');
  auto const out = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return out;
}

// Compared in the escaped form, so that a name may hold an escaped slash.
std::optional<fields> match(std::string_view pattern, std::string_view path) {
  fields out;
  while (!pattern.empty() && !path.empty()) {
    auto const whole = path;
    auto const want = next_part(pattern);
    auto const have = next_part(path);
    if (want.size() > 2 && want.front() == '{' && want.back() == '}') {
      auto name = want.substr(1, want.size() - 2);
      if (name.back() == '+') {
        name.remove_suffix(1);
        out.add(std::string{name}, percent_decoded(whole));
        return out;
      }
      if (have.empty()) return std::nullopt;
      out.add(std::string{name}, percent_decoded(have));
    } else if (want != have) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return out;
}

}  // namespace

router& router::add(route r) {
  routes_.push_back(std::move(r));
  return *this;
}

routed router::find(std::string_view method, std::string_view raw_path) const {
  routed out;
  auto const wanted = method == "HEAD" ? std::string_view{"GET"} : method;
  if (raw_path.size() > 1 && raw_path.back() == '/') raw_path.remove_suffix(1);
  for (auto const& r : routes_) {
    auto parameters = match(std::string_view{r.pattern}.substr(1), raw_path.substr(raw_path.empty() ? 0 : 1));
    if (!parameters) continue;
    if (r.method == wanted) {
      out.to = &r;
      out.parameters = *std::move(parameters);
      return out;
    }
    out.allowed += (out.allowed.empty() ? "" : ", ") + r.method;
  }
  return out;
}

}  // namespace lovage::web
