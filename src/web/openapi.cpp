#include "web/openapi.hpp"

#include <lovage/json.hpp>
#include <lovage/version.hpp>

#include <cctype>
#include <map>

namespace lovage::web {
namespace {

/// "{id}" and "{name+}" of a pattern.
std::vector<std::string> path_names(std::string const& pattern) {
  std::vector<std::string> out;
  for (auto at = pattern.find('{'); at != std::string::npos; at = pattern.find('{', at + 1)) {
    auto const end = pattern.find_first_of("+}", at);
    out.push_back(pattern.substr(at + 1, end - at - 1));
  }
  return out;
}

std::string plain_path(std::string pattern) {
  std::erase(pattern, '+');
  return pattern;
}

/// "name: what it is"
std::pair<std::string, std::string> split_member(std::string const& text) {
  auto const colon = text.find(": ");
  return {text.substr(0, colon), colon == std::string::npos ? std::string{} : text.substr(colon + 2)};
}

value parameters_of(route const& r) {
  value::list out;
  for (auto const& name : path_names(r.pattern))
    out.push_back(
        value::map{{"name", name}, {"in", "path"}, {"required", true}, {"schema", value::map{{"type", "string"}}}});
  if (r.method != "GET" && !r.flower) return value{std::move(out)};
  for (auto const& each : r.takes) {
    auto const [name, text] = split_member(each);
    out.push_back(value::map{{"name", name}, {"in", "query"}, {"description", text}, {"schema", value::map{}}});
  }
  return value{std::move(out)};
}

value body_of(route const& r) {
  value::map members;
  for (auto const& each : r.takes) {
    auto const [name, text] = split_member(each);
    members.push_back({name, value::map{{"description", text}}});
  }
  value::map schema{{"type", "object"}, {"properties", std::move(members)}};
  value::map content{{"application/json", value::map{{"schema", std::move(schema)}}}};
  return value::map{{"content", std::move(content)}};
}

value answer_of(char const* what) { return value::map{{"description", what}}; }

value answers_of(route const& r) {
  value::map out{{"200", answer_of("Done, or what was asked for")}};
  if (r.access != access::open) out.push_back({"401", answer_of("A login is needed")});
  if (r.access == access::operate) out.push_back({"403", answer_of("Only operators may, or nobody in read-only mode")});
  value::map const error_schema{{"$ref", "#/components/schemas/error"}};
  value::map const content{{"application/json", value::map{{"schema", error_schema}}}};
  out.push_back({"default", value::map{{"description", "What went wrong, and the fix"}, {"content", content}}});
  return value{std::move(out)};
}

std::string operation_id(route const& r) {
  std::string out = r.method;
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (char const c : plain_path(r.pattern))
    if (std::isalnum(static_cast<unsigned char>(c))) {
      out += c;
    } else if (out.back() != '_') {
      out += '_';
    }
  while (out.back() == '_') out.pop_back();
  return out;
}

value operation_of(route const& r) {
  value::map out{{"operationId", operation_id(r)},
                 {"summary", r.summary},
                 {"tags", value::list{r.flower ? "flower" : "lovage"}},
                 {"parameters", parameters_of(r)}};
  bool const has_body = r.method != "GET" && !r.takes.empty() && !r.flower;
  if (has_body) out.push_back({"requestBody", body_of(r)});
  if (r.access == access::open) out.push_back({"security", value::list{}});
  out.push_back({"responses", answers_of(r)});
  return value{std::move(out)};
}

value components() {
  value::map const members{{"code", value::map{{"type", "string"}}},
                           {"text", value::map{{"type", "string"}, {"description", "A sentence that names the fix"}}},
                           {"where", value::map{{"type", "string"}}}};
  value::map const inner{{"type", "object"}, {"properties", members}};
  value::map const error_schema{{"type", "object"}, {"properties", value::map{{"error", inner}}}};
  value::map const schemes{{"token", value::map{{"type", "http"}, {"scheme", "bearer"}}},
                           {"password", value::map{{"type", "http"}, {"scheme", "basic"}}},
                           {"session", value::map{{"type", "apiKey"}, {"in", "cookie"}, {"name", "lovage_session"}}}};
  return value::map{{"schemas", value::map{{"error", error_schema}}}, {"securitySchemes", schemes}};
}

void write_pretty(std::string& out, value const& v, std::string const& indent) {
  auto const deeper = indent + "  ";
  if (auto const* map = v.get_if<value::map>(); map && !map->empty()) {
    out += "{\n";
    for (auto const& m : *map) {
      out += deeper + to_json(value{m.key}) + ": ";
      write_pretty(out, m.val, deeper);
      out += &m == &map->back() ? "\n" : ",\n";
    }
    out += indent + "}";
  } else if (auto const* list = v.get_if<value::list>(); list && !list->empty()) {
    out += "[\n";
    for (auto const& each : *list) {
      out += deeper;
      write_pretty(out, each, deeper);
      out += &each == &list->back() ? "\n" : ",\n";
    }
    out += indent + "]";
  } else {
    out += to_json(v);
  }
}

}  // namespace

value openapi_of(std::span<route const> routes) {
  value::map paths;
  for (auto const& r : routes) {
    auto const path = plain_path(r.pattern);
    if (!find(paths, path)) paths.push_back({path, value::map{}});
    for (auto& [key, of] : paths)
      if (key == path) {
        auto method = r.method;
        for (char& c : method) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        of.get_if<value::map>()->push_back({method, operation_of(r)});
      }
  }
  value::map const info{
      {"title", "lovage web"},
      {"version", LOVAGE_VERSION},
      {"description",
       "The dashboard's API. Times are Unix seconds. Writing requests that a browser's cookie, or nothing, says who "
       "makes them bear X-CSRF-Token, which GET /api/v1/session gives. What is tagged flower is Flower's API."}};
  value::list const security{value::map{{"token", value::list{}}}, value::map{{"password", value::list{}}},
                             value::map{{"session", value::list{}}}};
  return value::map{{"openapi", "3.1.0"},
                    {"info", info},
                    {"security", security},
                    {"paths", std::move(paths)},
                    {"components", components()}};
}

std::string openapi_text(std::span<route const> routes) {
  std::string out;
  write_pretty(out, openapi_of(routes), "");
  return out + "\n";
}

}  // namespace lovage::web
