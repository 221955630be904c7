#include "cli/control_text.hpp"

#include "wire/serializer.hpp"
#include "wire/task_message.hpp"

#include <algorithm>

namespace lovage::cli {
namespace {

std::string indented(std::string const& text, std::size_t by) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    auto const end = std::min(text.find('\n', at), text.size());
    out += (out.empty() ? "" : "\n") + (end > at ? std::string(by, ' ') : std::string{}) + text.substr(at, end - at);
    at = end + 1;
  }
  return out;
}

std::string scalar(value const& v) {
  auto text = wire::to_json(v);
  if (!text) text = wire::to_json(v, {.typed = true});
  return text ? *std::move(text) : std::string{v.kind()};
}

// Python's json.dumps(sort_keys=True, indent=4).
void pretty_json(value const& v, std::size_t depth, std::string& out) {
  auto const line = [&](std::size_t d) { out += "\n" + std::string(4 * d, ' '); };
  if (auto const* list = v.get_if<value::list>(); list && !list->empty()) {
    out += "[";
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (i > 0) out += ",";
      line(depth + 1);
      pretty_json((*list)[i], depth + 1, out);
    }
    line(depth);
    out += "]";
  } else if (auto const* map = v.get_if<value::map>(); map && !map->empty()) {
    auto sorted = *map;
    std::sort(sorted.begin(), sorted.end(), [](auto const& a, auto const& b) { return a.key < b.key; });
    out += "{";
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (i > 0) out += ",";
      line(depth + 1);
      out += scalar(value{sorted[i].key}) + ": ";
      pretty_json(sorted[i].val, depth + 1, out);
    }
    line(depth);
    out += "}";
  } else {
    out += scalar(v);
  }
}

std::string body_of(value const& v);

std::string list_body(value::list const& items) {
  if (items.empty()) return "- empty -";
  std::string out;
  for (auto const& item : items) {
    auto const* text = item.get_if<std::string>();
    out += (out.empty() ? "* " : "\n* ") + (text ? *text : wire::repr(item, 1 << 20));
  }
  return out;
}

std::string body_of(value const& v) {
  if (auto const* list = v.get_if<value::list>()) return list_body(*list);
  if (auto const* text = v.get_if<std::string>()) return *text;
  if (!v.is<value::map>()) return wire::repr(v);
  if (auto const* good = v.find("ok")) return indented(body_of(*good), 4);
  if (auto const* bad = v.find("error")) return indented(body_of(*bad), 4);
  std::string out;
  pretty_json(v, 0, out);
  return out;
}

}  // namespace

std::string reply_text(node_reply const& r, bool show_body, bool quiet) {
  bool const bad = r.payload.find("error") != nullptr && r.payload.find("ok") == nullptr;
  auto out = (quiet ? "" : "-> ") + (" " + r.node) + ": " + (bad ? "ERROR" : "OK") + "\n";
  if (!show_body) return out;
  auto const body = indented(body_of(r.payload), 4);
  return body.empty() ? out : out + body + "\n";
}

std::string online_text(std::size_t nodes) {
  return "\n" + std::to_string(nodes) + (nodes == 1 ? " node" : " nodes") + " online.\n";
}

}  // namespace lovage::cli
