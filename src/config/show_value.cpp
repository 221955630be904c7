// Settings as people read them, and as a command line takes them back.
#include "config/masking.hpp"
#include "config/parse_value.hpp"
#include "config/setting_text.hpp"
#include "config/url.hpp"
#include "wire/serializer.hpp"

#include <algorithm>

namespace lovage::settings {
namespace {

std::string json_of(value const& v) {
  auto text = wire::to_json(masked(v));
  return text ? *std::move(text) : std::string{v.kind()};
}

// "a.*=high,b=low", where that says all.
std::string show_routes(value::map const& rules) {
  std::string out;
  for (auto const& [pattern, queue] : rules) {
    auto const* name = queue.get_if<std::string>();
    bool const simple = name && (pattern + *name).find_first_of(",={[ \"\\") == std::string::npos;
    if (!simple) return json_of(value{rules});
    out += (out.empty() ? "" : ",") + pattern + "=" + *name;
  }
  return out;
}

// "a,b", where no queue has options.
std::string show_queues(value::map const& queues) {
  std::string out;
  for (auto const& [name, options] : queues) {
    auto const* m = options.get_if<value::map>();
    if (!m || !m->empty() || name.find_first_of(",{[ \"\\") != name.npos) return json_of(value{queues});
    out += (out.empty() ? "" : ",") + name;
  }
  return out;
}

std::string show_names(value::list const& items) {
  std::string out;
  for (auto const& item : items) {
    auto const* name = item.get_if<std::string>();
    out += (out.empty() ? "" : ",") + (name ? *name : std::string{item.kind()});
  }
  return out;
}

}  // namespace

std::string show(setting const& row, value const& canonical) {
  if (auto const* s = canonical.get_if<std::string>()) {
    if (s->empty()) return row.name == "result_backend" ? "disabled" : "none";
    return row.type == kind::url ? mask_url(*s) : *s;
  }
  if (canonical.is_null()) return "none";
  if (auto const* items = canonical.get_if<value::list>()) return show_names(*items);
  if (auto const* members = canonical.get_if<value::map>()) {
    if (members->empty()) return "none";
    if (row.type == kind::routes) return show_routes(*members);
    if (row.type == kind::queues) return show_queues(*members);
    return json_of(canonical);
  }
  return quoted(canonical);
}

}  // namespace lovage::settings
