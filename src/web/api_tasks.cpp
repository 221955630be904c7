// /api/v1/tasks: searching, and one task with everything about it.
#include "web/site.hpp"
#include "web/task_query.hpp"
#include "web/views.hpp"

#include <algorithm>
#include <set>

namespace lovage::web {
namespace {

response find_tasks(site& s, request const& r) {
  bool const masked = s.with.mask_arguments;
  auto const which = filter_of(s, r.query);
  auto const word = r.query.get("order");
  auto const order = monitor::task_order_of(word.empty() ? "-received" : word);
  if (!order)
    return error_response(400, "invalid_argument", "order must be -received, received, -runtime, runtime or name",
                          "order");
  auto const limit = static_cast<std::size_t>(std::clamp(number_of(r.query, "limit").value_or(50), 1., 1000.));
  auto const page = s.eyes.kept().find(which, *order, limit, std::string{r.query.get("cursor")}, site::soon());
  if (!page) return error_response(page.error());
  auto const view = [&](auto const& t) { return task_value(t, masked); };
  return json_response(value::map{{"tasks", list_value(page->tasks, view)},
                                  {"total", page->total},
                                  {"total_is", page->at_least ? "at_least" : "exact"},
                                  {"next", text_value(page->next)},
                                  {"took_ms", std::chrono::duration<double, std::milli>(page->took).count()}});
}

// What the result backend has; null where there is none or it cannot be read.
value stored_value(site& s, std::string const& id, bool masked) {
  auto const& state = *s.on.state();
  if (!state.has_backend()) return {};
  auto const until = deadline::in(std::chrono::seconds{2});
  auto const backend = s.on.state()->backend(until);
  if (!backend) return {};
  std::vector<task_id> const ids{task_id{id}};
  auto found = (*backend)->fetch(ids, until);
  if (!found || found->empty() || found->front().status == wire::state::pending) return {};
  auto& record = found->front();
  value result = std::move(record.result);
  if (masked && !result.is_null()) result = value{mask};
  value traceback = record.traceback ? value{masked ? std::string{mask} : *record.traceback} : value{};
  return value::map{{"state", record.status}, {"result", std::move(result)}, {"traceback", std::move(traceback)}};
}

value timeline_value(std::vector<monitor::task_step> const& steps, bool masked) {
  return list_value(steps, [&](monitor::task_step const& step) {
    return value{value::map{{"at", seconds_value(step.at)},
                            {"what", step.what},
                            {"worker", text_value(step.worker)},
                            {"text", masked && !step.text.empty() ? value{mask} : text_value(step.text)}}};
  });
}

response unknown_task(std::string const& id) {
  return error_response(404, "not_found",
                        "nothing is known of this task: no event of it was seen, or it is older than the history; "
                        "do workers send events (lovage worker -E)?",
                        id);
}

value parent_of(site& s, monitor::task_record const& t, bool masked) {
  if (t.parent.empty()) return {};
  auto const parent = s.eyes.kept().task(t.parent, site::soon()).value();
  return parent ? task_value(*parent, masked) : value{};
}

// Known to the backend alone, when no event told of it.
response only_stored(site& s, std::string const& id) {
  auto stored = stored_value(s, id, s.with.mask_arguments);
  if (stored.is_null()) return unknown_task(id);
  monitor::task_record t;
  t.id = id;
  if (auto const* state = stored.find("state")) t.state = *state->get_if<std::string>();
  return json_response(value::map{{"task", whole_task_value(t, s.with.mask_arguments)},
                                  {"timeline", value::list{}},
                                  {"parent", value{}},
                                  {"children", value::list{}},
                                  {"why", value{}},
                                  {"stored", std::move(stored)}});
}

response show_task(site& s, request const& r) {
  bool const masked = s.with.mask_arguments;
  std::string const id{r.parameters.get("id")};
  auto const task = s.eyes.kept().task(id, site::soon()).value();
  if (!task) return only_stored(s, id);
  value why;
  if (!task->has_ended())
    if (auto const reason = s.eyes.why(id, site::soon()); reason && *reason)
      why = value::map{{"code", (*reason)->code}, {"text", (*reason)->text}};
  auto const children = s.eyes.kept().children(id, site::soon()).value();
  return json_response(
      value::map{{"task", whole_task_value(*task, masked)},
                 {"timeline", timeline_value(s.eyes.kept().timeline(id, site::soon()).value(), masked)},
                 {"parent", parent_of(s, *task, masked)},
                 {"children", list_value(children, [&](auto const& t) { return task_value(t, masked); })},
                 {"why", std::move(why)},
                 {"stored", stored_value(s, id, masked)}});
}

// The whole workflow that the task belongs to, as far as events tell: who was called by whom.
response show_graph(site& s, request const& r) {
  std::string const id{r.parameters.get("id")};
  auto const task = s.eyes.kept().task(id, site::soon()).value();
  if (!task) return unknown_task(id);
  auto all = s.eyes.kept().tree(task->root.empty() ? id : task->root, site::soon()).value();
  if (all.empty()) all.push_back(*task);
  std::set<std::string> there;
  for (auto const& t : all) there.insert(t.id);
  value::list nodes, edges;
  for (auto const& t : all) {
    nodes.push_back(value::map{{"id", t.id}, {"name", t.name}, {"state", t.state}, {"kind", "task"}});
    if (there.count(t.parent) > 0) edges.push_back(value::list{t.parent, t.id});
  }
  return json_response(value::map{{"nodes", std::move(nodes)}, {"edges", std::move(edges)}});
}

}  // namespace

void add_task_routes(router& to, site& s) {
  to.add({.method = "GET",
          .pattern = "/api/v1/tasks",
          .serve = [&s](request const& r) { return find_tasks(s, r); },
          .summary = "Searches tasks",
          .takes = {"state: one or several, with commas", "name: exactly, or its beginning and *", "worker: exactly",
                    "queue: exactly", "q: words, \"phrases\" and prefix* of name, arguments, result and error",
                    "from: Unix seconds", "to: Unix seconds", "error: a group of failures", "root: of a workflow",
                    "periodic: name of a periodic task; tasks of the name that it sends",
                    "order: -received, received, -runtime, runtime or name", "limit: 50 unless given",
                    "cursor: `next` of the page before"}});
  to.add({.method = "GET",
          .pattern = "/api/v1/tasks/{id}",
          .serve = [&s](request const& r) { return show_task(s, r); },
          .summary = "One task: what happened to it, its relatives, and why it does not run"});
  to.add({.method = "GET",
          .pattern = "/api/v1/tasks/{id}/graph",
          .serve = [&s](request const& r) { return show_graph(s, r); },
          .summary = "The workflow that a task belongs to"});
}

}  // namespace lovage::web
