// /api/v1/tasks/{id}/graph: the workflow that a task belongs to.
#include "monitor/workflow_graph.hpp"
#include "web/site.hpp"
#include "web/views.hpp"

#include <map>

namespace lovage::web {
namespace {

using monitor::graph_node;

constexpr std::size_t most_asked_for = 500;

value states_of(graph_node const& n) {
  value::map out;
  for (auto const& [state, many] : n.states) out.push_back({state, many});
  return value{std::move(out)};
}

value node_value(graph_node const& n) {
  bool const many = !n.states.empty();
  return value::map{{"id", n.id},
                    {"name", n.name},
                    {"state", n.state},
                    {"kind", monitor::to_string(n.kind)},
                    {"group", text_value(n.group)},
                    {"parent", text_value(n.parent)},
                    {"count", n.count},
                    {"states", many ? states_of(n) : value{}}};
}

// Events of Celery's workers name no group; what they store does.
void ask_backend_for_groups(site& s, std::vector<monitor::task_record>& all) {
  auto const& state = *s.on.state();
  if (!state.has_backend()) return;
  std::map<std::string, monitor::task_record*> unknown;
  for (auto& t : all)
    if (t.group.empty() && t.has_ended() && unknown.size() < most_asked_for) unknown[t.id] = &t;
  std::vector<task_id> ids;
  for (auto const& [id, t] : unknown) ids.emplace_back(id);
  if (ids.empty()) return;
  auto const until = deadline::in(std::chrono::seconds{2});
  auto const backend = s.on.state()->backend(until);
  if (!backend) return;
  auto const found = (*backend)->fetch(ids, until);
  if (!found) return;
  for (auto const& record : *found)
    if (auto const at = unknown.find(record.id.str()); at != unknown.end() && record.group_id)
      at->second->group = *record.group_id;
}

response show_graph(site& s, request const& r) {
  std::string const id{r.parameters.get("id")};
  auto all = s.eyes.kept().workflow(id, site::soon()).value();
  if (all.empty()) return unknown_task_response(id);
  ask_backend_for_groups(s, all);
  auto const g = monitor::graph_of(all);
  auto const edge = [](auto const& e) { return value{value::list{e.first, e.second}}; };
  return json_response(value::map{{"nodes", list_value(g.nodes, node_value)}, {"edges", list_value(g.edges, edge)}});
}

}  // namespace

void add_workflow_routes(router& to, site& s) {
  to.add({.method = "GET",
          .pattern = "/api/v1/tasks/{id}/graph",
          .serve = [&s](request const& r) { return show_graph(s, r); },
          .summary = "The workflow that a task belongs to: nodes (kind is task; group, of all its members; more, which "
                     "are not listed one by one; body, of a chord, not called yet), and edges from what comes first"});
}

}  // namespace lovage::web
