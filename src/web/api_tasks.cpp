// /api/v1/tasks: searching, and one task with everything about it.
#include "web/site.hpp"
#include "web/task_query.hpp"
#include "web/views.hpp"
#include "wire/task_message.hpp"

#include <algorithm>

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

// What the result backend has; nothing where there is none or it cannot be read.
std::optional<wire::result_record> stored_record(site& s, std::string const& id) {
  auto const& state = *s.on.state();
  if (!state.has_backend()) return std::nullopt;
  auto const until = deadline::in(std::chrono::seconds{2});
  auto const backend = s.on.state()->backend(until);
  if (!backend) return std::nullopt;
  std::vector<task_id> const ids{task_id{id}};
  auto found = (*backend)->fetch(ids, until);
  if (!found || found->empty() || found->front().status == wire::state::pending) return std::nullopt;
  return std::move(found->front());
}

value stored_value(std::optional<wire::result_record> const& r, bool masked) {
  if (!r) return {};
  value const hidden{mask};
  value traceback;
  if (r->traceback) traceback = masked ? hidden : value{*r->traceback};
  return value::map{{"state", r->status},
                    {"result", masked && !r->result.is_null() ? hidden : r->result},
                    {"traceback", std::move(traceback)}};
}

value timeline_value(std::vector<monitor::task_step> const& steps, bool masked) {
  return list_value(steps, [&](monitor::task_step const& step) {
    return value{value::map{{"at", seconds_value(step.at)},
                            {"what", step.what},
                            {"worker", text_value(step.worker)},
                            {"text", masked && !step.text.empty() ? value{mask} : text_value(step.text)}}};
  });
}

value parent_of(site& s, monitor::task_record const& t, bool masked) {
  if (t.parent.empty()) return {};
  auto const parent = s.eyes.kept().task(t.parent, site::soon()).value();
  return parent ? task_value(*parent, masked) : value{};
}

std::string stored_text(value::map const& m, char const* key, std::size_t limit) {
  auto const* v = find(m, key);
  if (v == nullptr || v->is_null()) return {};
  auto const* text = v->get_if<std::string>();
  return text ? text->substr(0, limit) : wire::repr(*v, limit);
}

// With setting `result_extended` the record says what was called; without, its name is in events alone.
monitor::task_record told_by(wire::result_record const& r) {
  constexpr auto name = monitor::task_record::name_limit;
  monitor::task_record t;
  t.id = r.id.str(), t.state = r.status;
  t.name = stored_text(r.extended, "name", name), t.worker = stored_text(r.extended, "worker", name);
  t.queue = stored_text(r.extended, "queue", name);
  t.args = stored_text(r.extended, "args", 1024), t.kwargs = stored_text(r.extended, "kwargs", 1024);
  if (auto const* n = find(r.extended, "retries"))
    if (auto const* number = n->get_if<std::int64_t>()) t.retries = *number;
  t.group = r.group_id.value_or(std::string{}), t.parent = r.parent_id.value_or(std::string{});
  return t;
}

// Known to the backend alone: no event told of it, or it was deleted here.
response only_stored(site& s, std::string const& id) {
  bool const masked = s.with.mask_arguments;
  auto record = stored_record(s, id);
  if (!record) return unknown_task_response(id);
  record->id = task_id{id};
  return json_response(value::map{{"task", whole_task_value(told_by(*record), masked)},
                                  {"timeline", value::list{}},
                                  {"parent", value{}},
                                  {"children", value::list{}},
                                  {"why", value{}},
                                  {"stored", stored_value(record, masked)}});
}

response show_task(site& s, request const& r) {
  bool const masked = s.with.mask_arguments;
  std::string const id{r.parameters.get("id")};
  auto const task = s.eyes.kept().task(id, site::soon()).value();
  if (!task) return only_stored(s, id);
  value why;
  if (task->state != monitor::state::success)  // what failed may lie in the dead set
    if (auto const reason = s.eyes.why(id, site::soon()); reason && *reason)
      why = value::map{{"code", (*reason)->code}, {"text", (*reason)->text}};
  auto const children = s.eyes.kept().children(id, site::soon()).value();
  return json_response(
      value::map{{"task", whole_task_value(*task, masked)},
                 {"timeline", timeline_value(s.eyes.kept().timeline(id, site::soon()).value(), masked)},
                 {"parent", parent_of(s, *task, masked)},
                 {"children", list_value(children, [&](auto const& t) { return task_value(t, masked); })},
                 {"why", std::move(why)},
                 {"stored", stored_value(stored_record(s, id), masked)}});
}

}  // namespace

void add_task_routes(router& to, site& s) {
  to.add(
      {.method = "GET",
       .pattern = "/api/v1/tasks",
       .serve = [&s](request const& r) { return find_tasks(s, r); },
       .summary = "Searches tasks",
       .takes = {"state: one or several, with commas", "name: exactly, or its beginning and *", "worker: exactly",
                 "queue: exactly", "q: words, \"phrases\" and prefix* of name, arguments, result and error",
                 "from: Unix seconds", "to: Unix seconds", "error: a group of failures", "root: of a workflow",
                 "group: that it is a member of", "periodic: name of a periodic task; tasks of the name that it sends",
                 "order: -received, received, -runtime, runtime or name", "limit: 50 unless given",
                 "cursor: `next` of the page before"}});
  to.add({.method = "GET",
          .pattern = "/api/v1/tasks/{id}",
          .serve = [&s](request const& r) { return show_task(s, r); },
          .summary = "One task: what happened to it, its relatives, and why it does not run"});
}

}  // namespace lovage::web
