#include "app/workflow_graph.hpp"

#include "wire/signature.hpp"

#include <lovage/compose.hpp>

#include <algorithm>
#include <functional>

namespace lovage::detail {
namespace {

std::string text_at(value const& v, char const* key) {
  auto const* found = v.find(key);
  auto const* text = found ? found->get_if<std::string>() : nullptr;
  return text ? *text : std::string{};
}

std::int64_t integer_at(value const& v, char const* key) {
  auto const* found = v.find(key);
  auto const* n = found ? found->get_if<std::int64_t>() : nullptr;
  return n ? *n : 0;
}

double seconds_at(value const& v, char const* key) {
  auto const* found = v.find(key);
  auto const* s = found ? found->get_if<double>() : nullptr;
  return s ? *s : static_cast<double>(integer_at(v, key));
}

value::list list_at(value const& v, char const* key) {
  auto const* found = v.find(key);
  auto const* list = found ? found->get_if<value::list>() : nullptr;
  return list ? *list : value::list{};
}

std::size_t place_in(std::vector<std::string>& names, std::string const& name) {
  auto const at = std::ranges::find(names, name);
  if (at != names.end()) return static_cast<std::size_t>(at - names.begin());
  names.push_back(name);
  return names.size() - 1;
}

// Nodes are sorted out as their needs are: what is left over waits for itself.
expected<void> check_order(graph_document const& of) {
  std::vector<std::string> done;
  for (bool more = true; more;) {
    more = false;
    for (auto const& n : of.nodes) {
      auto const is_done = [&](std::string const& name) { return std::ranges::find(done, name) != done.end(); };
      if (is_done(n.name) || !std::ranges::all_of(n.needs, is_done)) continue;
      done.push_back(n.name);
      more = true;
    }
  }
  if (done.size() == of.nodes.size()) return {};
  std::string stuck;
  for (auto const& n : of.nodes)
    if (std::ranges::find(done, n.name) == done.end()) stuck += (stuck.empty() ? "'" : ", '") + n.name + "'";
  return fail(errc::invalid_argument, "nodes wait for each other: " + stuck, of.name);
}

}  // namespace

value node_place::to_value() const {
  value::list then;
  for (auto const& p : parts) then.push_back(value::list{p.group, p.index});
  return value::map{{"id", workflow},     {"node", node},   {"then", std::move(then)},
                    {"retries", retries}, {"tried", tried}, {"retry_delay", retry_delay_s}};
}

void node_place::put_into(value::map& options) const {
  value::map headers;
  if (auto const* own = find(options, "headers"); own && own->is<value::map>()) headers = *own->get_if<value::map>();
  set_member(headers, node_header, to_value());
  set_member(options, "headers", std::move(headers));
}

std::optional<node_place> node_place::of(value::map const& headers) {
  auto const* v = find(headers, node_header);
  if (!v || text_at(*v, "id").empty()) return std::nullopt;
  node_place out{text_at(*v, "id"),         text_at(*v, "node"),     {},
                 integer_at(*v, "retries"), integer_at(*v, "tried"), seconds_at(*v, "retry_delay")};
  for (auto const& item : list_at(*v, "then")) {
    auto const* pair = item.get_if<value::list>();
    if (!pair || pair->size() != 2 || !pair->front().is<std::string>() || !pair->back().is<std::int64_t>())
      return std::nullopt;
    out.parts.push_back({*pair->front().get_if<std::string>(), *pair->back().get_if<std::int64_t>()});
  }
  return out;
}

expected<graph_document> graph_document::of(workflow const& flow, std::string id) {
  graph_document out{std::move(id), flow.name(), {}};
  if (flow.nodes().empty()) return fail(errc::invalid_argument, "this workflow has no nodes", flow.name());
  for (auto const& n : flow.nodes()) {
    node made{n.name, n.signature, {}, {}, n.retries, n.retry_delay_s};
    for (auto const i : n.inputs)
      made.inputs.push_back(static_cast<std::int64_t>(place_in(made.needs, flow.nodes().at(i).name)));
    for (auto const i : n.after) (void)place_in(made.needs, flow.nodes().at(i).name);
    out.nodes.push_back(std::move(made));
  }
  if (auto ok = check_order(out); !ok) return fail(ok.error());
  return out;
}

value graph_document::to_value() const {
  value::list all;
  for (auto const& n : nodes) {
    value::list takes{n.inputs.begin(), n.inputs.end()};
    all.push_back(value::map{{"name", n.name},
                             {"signature", n.signature},
                             {"needs", value::list{n.needs.begin(), n.needs.end()}},
                             {"inputs", std::move(takes)},
                             {"retries", n.retries},
                             {"retry_delay", n.retry_delay_s}});
  }
  return value::map{{"id", id}, {"name", name}, {"nodes", std::move(all)}};
}

expected<graph_document> graph_document::from_value(value const& v) {
  graph_document out{text_at(v, "id"), text_at(v, "name"), {}};
  for (auto const& item : list_at(v, "nodes")) {
    auto const* signature = item.find("signature");
    if (text_at(item, "name").empty() || !signature) return fail(errc::decode, "a node has no name or no signature");
    node n{text_at(item, "name"), *signature, {}, {}, integer_at(item, "retries"), seconds_at(item, "retry_delay")};
    for (auto const& need : list_at(item, "needs"))
      if (auto const* text = need.get_if<std::string>()) n.needs.push_back(*text);
    for (auto const& input : list_at(item, "inputs"))
      if (auto const* i = input.get_if<std::int64_t>()) n.inputs.push_back(*i);
    out.nodes.push_back(std::move(n));
  }
  if (out.id.empty() || out.nodes.empty()) return fail(errc::decode, "this is no workflow");
  return out;
}

std::vector<std::string> graph_document::ends() const {
  std::vector<std::string> out;
  for (auto const& n : nodes)
    if (std::ranges::none_of(nodes, [&](node const& other) { return std::ranges::count(other.needs, n.name) > 0; }))
      out.push_back(n.name);
  return out;
}

value graph_document::call_of(node const& n) const {
  node_place place{id, n.name, {}, n.retries, 0, n.retry_delay_s};
  for (auto const& other : nodes)
    if (auto const at = std::ranges::find(other.needs, n.name); at != other.needs.end())
      place.parts.push_back({id_of(other.name), at - other.needs.begin()});
  auto const last = ends();
  if (auto const at = std::ranges::find(last, n.name); at != last.end()) place.parts.push_back({id, at - last.begin()});
  auto call = n.signature;
  auto& options = *call.find("options")->get_if<value::map>();
  set_member(options, "task_id", id_of(n.name));
  set_member(options, "root_id", id);
  place.put_into(options);
  return call;
}

std::vector<backend::chord_start> graph_document::chords() const {
  std::vector<backend::chord_start> out;
  for (auto const& n : nodes) {
    if (n.needs.empty()) continue;
    auto body = call_of(n);
    set_member(*body.get_if<value::map>(), inputs_key, value::list{n.inputs.begin(), n.inputs.end()});
    out.push_back({id_of(n.name), static_cast<std::int64_t>(n.needs.size()), std::move(body)});
  }
  auto const last = ends();
  value::map kwargs{{"names", value::list{last.begin(), last.end()}}};
  auto end = make_signature(workflow_end_task, {}, std::move(kwargs), {{"task_id", id}, {"root_id", id}}, {}, false);
  out.push_back({id, static_cast<std::int64_t>(last.size()), std::move(end)});
  return out;
}

}  // namespace lovage::detail
