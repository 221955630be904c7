// /api/v1/tasks/actions and /api/v1/tasks/send: acting on tasks, on some or on all that match.
#include "web/literal.hpp"
#include "web/sending.hpp"
#include "web/site.hpp"
#include "web/task_query.hpp"
#include "web/views.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <unordered_map>
#include <unordered_set>

namespace lovage::web {
namespace {

constexpr std::size_t most_acted_on = 100'000, most_told = 100, revoked_at_once = 1'000, asked_at_once = 10'000;

/// What came of an action.
struct action_outcome {
  std::size_t done = 0, total = 0, skipped = 0;
  std::vector<std::pair<std::string, std::string>> failed;  ///< id, text
  void fault(std::string const& id, std::string text) {
    if (failed.size() < most_told) failed.emplace_back(id, std::move(text));
  }
};

std::vector<std::string> meant(site& s, value::map const& body) {
  auto ids = texts_of(body, "ids");
  auto const* matching = find(body, "matching");
  auto const* filter = matching ? matching->get_if<value::map>() : nullptr;
  if (ids.empty() == !filter)
    throw error{errc::invalid_argument, "name tasks by `ids`, or all that match by `matching`, not both", "ids"};
  if (!filter) return ids;
  return s.eyes.kept().ids(filter_of(s, *filter), most_acted_on, site::soon()).value();
}

// What is over cannot be kept from running: workers would remember its id for nothing.
std::vector<std::string> not_over(site& s, std::vector<std::string> ids) {
  std::unordered_set<std::string> over;
  for (std::size_t from = 0; from < ids.size(); from += asked_at_once) {
    auto const part = std::span{ids}.subspan(from, std::min(asked_at_once, ids.size() - from));
    monitor::task_filter const which{.states = {"SUCCESS", "FAILURE", "REVOKED", "REJECTED"},
                                     .ids = {part.begin(), part.end()}};
    for (auto& id : s.eyes.kept().ids(which, part.size(), site::soon()).value()) over.insert(std::move(id));
  }
  std::erase_if(ids, [&](auto const& id) { return over.contains(id); });
  return ids;
}

void revoke_all(site& s, std::vector<std::string> const& all, bool terminate, action_outcome& out) {
  auto const ids = not_over(s, all);
  out.skipped = all.size() - ids.size();
  for (std::size_t from = 0; from < ids.size(); from += revoked_at_once) {
    auto const until = std::min(ids.size(), from + revoked_at_once);
    std::vector<task_id> part;
    for (auto i = from; i < until; ++i) part.emplace_back(ids[i]);
    (void)s.on.control().revoke(part, terminate);
    out.done += part.size();
  }
}

std::optional<sending> arguments_of(monitor::task_record const& t) {
  auto args = t.args.empty() ? std::optional{value{value::list{}}} : read_literal(t.args);
  auto kwargs = t.kwargs.empty() ? std::optional{value{value::map{}}} : read_literal(t.kwargs);
  auto* list = args ? args->get_if<value::list>() : nullptr;
  auto* map = kwargs ? kwargs->get_if<value::map>() : nullptr;
  if (!list || !map) return std::nullopt;
  return sending{std::move(*list), std::move(*map), {}};
}

// Events of workers do not name the queue; one that takes from a single one has it from there.
std::string queue_of(site& s, monitor::task_record const& t) {
  if (!t.queue.empty()) return t.queue;
  for (auto const& w : s.eyes.latest()->workers)
    if (w.seen.name == t.worker && w.said)
      if (auto const queues = w.said->queues(); queues.size() == 1) return queues.front();
  return {};
}

// As it was called, under a new id: what became of the old one stays to be seen.
void send_again(site& s, std::string const& id, action_outcome& out) {
  auto const t = s.eyes.kept().task(id, site::soon()).value();
  if (!t || t->name.empty()) return out.fault(id, "nothing is known of how it was called");
  auto call = arguments_of(*t);
  if (!call)
    return out.fault(id,
                     "its arguments are not known in full (events shorten them); send it anew with POST tasks/send");
  call_options with;
  if (auto const queue = queue_of(s, *t); !queue.empty()) with.queue(queue);
  (void)s.on.send_named(t->name, std::move(call->args), std::move(call->kwargs), std::move(with));
  ++out.done;
}

void retry_all(site& s, std::vector<std::string> const& ids, action_outcome& out) {
  for (auto const& id : ids) {
    try {
      send_again(s, id, out);
    } catch (error const& e) {
      out.fault(id, e.info().text());
    }
  }
}

std::string id_in(wire::envelope const& e) {
  auto const* v = find(e.headers, "id");
  auto const* text = v ? v->get_if<std::string>() : nullptr;
  return text ? *text : e.properties.correlation_id;
}

void redrive_all(site& s, std::vector<std::string> const& ids, action_outcome& out) {
  auto const look = s.inspector();
  auto const dead = look->dead(queue_name{}, most_acted_on).value();
  std::unordered_map<std::string, std::uint64_t> places;
  for (auto const& d : dead) places[id_in(d.envelope)] = d.id;
  std::vector<std::uint64_t> found;
  for (auto const& id : ids) {
    auto const at = places.find(id);
    if (at == places.end()) {
      out.fault(id, "it is not in the dead set");
    } else {
      found.push_back(at->second);
    }
  }
  if (!found.empty()) out.done = look->redrive(queue_name{}, found).value();
}

response act_on_tasks(site& s, request const& r) {
  auto const body = json_body(r);
  if (!body) return error_response(body.error());
  auto const action = needed_text(*body, "action");
  auto const ids = meant(s, *body);
  action_outcome out;
  out.total = ids.size();
  if (action == "revoke" || action == "terminate") {
    revoke_all(s, ids, action == "terminate", out);
  } else if (action == "retry") {
    retry_all(s, ids, out);
  } else if (action == "redrive") {
    redrive_all(s, ids, out);
  } else if (action == "delete") {
    out.done = s.eyes.kept().remove(ids, site::soon()).value();
  } else {
    return error_response(400, "invalid_argument", "action must be retry, revoke, terminate, redrive or delete",
                          "action");
  }
  s.eyes.look_again();
  auto const view = [](auto const& each) { return value{value::map{{"id", each.first}, {"text", each.second}}}; };
  return json_response(value::map{
      {"done", out.done}, {"total", out.total}, {"skipped", out.skipped}, {"failed", list_value(out.failed, view)}});
}

response send_task(site& s, request const& r) {
  auto body = json_body(r);
  if (!body) return error_response(body.error());
  auto const name = needed_text(*body, "name");
  std::erase_if(*body, [](auto const& m) { return m.key == "name"; });
  auto call = sending_of(*std::move(body));
  auto const sent = s.on.send_named(name, std::move(call.args), std::move(call.kwargs), options_of(call.options));
  return json_response(value::map{{"id", sent.id().str()}}, 201);
}

}  // namespace

void add_task_action_routes(router& to, site& s) {
  to.add({.method = "POST",
          .pattern = "/api/v1/tasks/actions",
          .access = access::operate,
          .serve = [&s](request const& r) { return act_on_tasks(s, r); },
          .summary =
              "Acts on tasks: retry (sends it again under a new id), revoke, terminate, redrive, delete (from the "
              "history); what is over is not revoked, but counted as `skipped`",
          .takes = {"action: what to do", "ids: list of tasks", "matching: instead, members of GET tasks' query"},
          .audited = true});
  to.add({.method = "POST",
          .pattern = "/api/v1/tasks/send",
          .access = access::operate,
          .serve = [&s](request const& r) { return send_task(s, r); },
          .summary = "Sends a task",
          .takes = {"name: of the task", "args: list", "kwargs: map", "queue: name", "countdown: seconds",
                    "eta: moment", "expires: seconds or moment", "priority: 0 to 9"},
          .audited = true});
}

}  // namespace lovage::web
