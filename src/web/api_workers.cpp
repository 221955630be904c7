// /api/v1/workers: who is there, what they do, and what they are told.
#include "web/control.hpp"
#include "web/site.hpp"
#include "web/views.hpp"

#include <algorithm>

namespace lovage::web {
namespace {

response show_workers(site& s) {
  auto const now = s.eyes.latest();
  auto const view = [&](monitor::worker_picture const& w) { return worker_value(w, s.with.mask_arguments); };
  return json_response(value::map{{"workers", list_value(now->workers, view)}});
}

value list_or_empty(value v) { return v.is<value::list>() ? std::move(v) : value{value::list{}}; }

// Tasks as a worker shows them: without what they were called with.
value masked_tasks(value tasks, bool masked) {
  auto* all = tasks.get_if<value::list>();
  if (!masked || !all) return tasks;
  for (auto& each : *all) {
    auto* inner = each.find("request");
    for (auto* const at : {&each, inner})
      if (at)
        for (char const* key : {"args", "kwargs"})
          if (auto* const v = at->find(key)) *v = value{mask};
  }
  return tasks;
}

response show_worker(site& s, request const& r) {
  auto const name = std::string{r.parameters.get("name")};
  auto const now = s.eyes.latest();
  auto const at =
      std::find_if(now->workers.begin(), now->workers.end(), [&](auto const& w) { return w.seen.name == name; });
  if (at == now->workers.end())
    return error_response(404, "not_found", "no worker of this name was heard of; GET /api/v1/workers lists them",
                          name);
  auto picture = *at;
  if (picture.seen.state == monitor::worker_state::online)
    if (auto said = s.eyes.ask_worker(name, deadline::in(std::chrono::seconds{3}))) picture.said = *std::move(said);
  auto out = worker_value(picture, s.with.mask_arguments);
  auto said = picture.said.value_or(monitor::worker_details{});
  auto& members = *out.get_if<value::map>();
  members.push_back({"registered", names_value(said.tasks())});
  members.push_back({"conf", said.conf.is_null() ? value{value::map{}} : std::move(said.conf)});
  members.push_back({"stats", said.stats.is_null() ? value{value::map{}} : safe_stats(std::move(said.stats))});
  members.push_back({"reserved", masked_tasks(list_or_empty(std::move(said.reserved)), s.with.mask_arguments)});
  members.push_back({"scheduled", masked_tasks(list_or_empty(std::move(said.scheduled)), s.with.mask_arguments)});
  return json_response(out);
}

int whole(value::map const& body, char const* key, std::optional<int> fallback = std::nullopt) {
  auto const n = number_of(body, key);
  if (!n && fallback) return *fallback;
  if (!n || *n != static_cast<int>(*n) || *n < 0)
    throw error{errc::invalid_argument, "'" + std::string{key} + "' must be a whole number", key};
  return static_cast<int>(*n);
}

value seconds_or_null(value::map const& body, char const* key) {
  auto const n = number_of(body, key);
  return n ? value{*n} : value{};
}

/// The remote command behind an action, with its arguments. Throws `error{invalid_argument}`.
command command_of(std::string const& action, value::map const& body) {
  if (action == "grow") return {"pool_grow", {{"n", whole(body, "n", 1)}}};
  if (action == "shrink") return {"pool_shrink", {{"n", whole(body, "n", 1)}}};
  if (action == "autoscale") return {"autoscale", {{"max", whole(body, "max")}, {"min", whole(body, "min")}}};
  if (action == "add_consumer") return {"add_consumer", {{"queue", needed_text(body, "queue")}}};
  if (action == "cancel_consumer") return {"cancel_consumer", {{"queue", needed_text(body, "queue")}}};
  if (action == "restart") return {"pool_restart", {{"reload", false}}};
  if (action == "shutdown") return {"shutdown", {}, false};
  if (action == "enable_events" || action == "disable_events") return {action, {}};
  if (action == "rate_limit")
    return {"rate_limit", {{"task_name", needed_text(body, "task")}, {"rate_limit", needed_text(body, "rate")}}};
  if (action == "time_limit")
    return {"time_limit",
            {{"task_name", needed_text(body, "task")},
             {"soft", seconds_or_null(body, "soft")},
             {"hard", seconds_or_null(body, "hard")}}};
  throw error{errc::not_registered, "workers know no action '" + action + "'; see /openapi.json", action};
}

// As Celery's workers and ours say it, which leaves out what to do.
std::string with_fix(worker_reply const& said) {
  bool const of_restart = !said.ok && said.text.find("Pool restarts not enabled") != std::string::npos;
  return of_restart ? said.text + "; start the worker with setting worker_pool_restarts" : said.text;
}

response act_on_worker(site& s, request const& r) {
  auto const body = json_body(r);
  if (!body) return error_response(body.error());
  auto const name = std::string{r.parameters.get("name")};
  auto const what = command_of(std::string{r.parameters.get("action")}, *body);
  auto const replies = tell_workers(s.on, what, name == "*" ? std::vector<std::string>{} : std::vector{name});
  s.eyes.look_again();
  if (replies.empty() && what.answered && name != "*")
    return error_response(504, "timeout", "'" + name + "' did not answer; is it still there?", name);
  bool const ok = std::all_of(replies.begin(), replies.end(), [](auto const& each) { return each.ok; });
  auto const view = [](worker_reply const& each) {
    return value{value::map{{"worker", each.worker}, {"ok", each.ok}, {"text", with_fix(each)}}};
  };
  return json_response(value::map{{"ok", ok}, {"replies", list_value(replies, view)}});
}

}  // namespace

void add_worker_routes(router& to, site& s) {
  to.add({.method = "GET",
          .pattern = "/api/v1/workers",
          .serve = [&s](request const&) { return show_workers(s); },
          .summary = "All workers that were heard of",
          .waits = false});
  to.add({.method = "GET",
          .pattern = "/api/v1/workers/{name}",
          .serve = [&s](request const& r) { return show_worker(s, r); },
          .summary = "One worker, asked now: its tasks, settings, and statistics as Celery's inspect has them"});
  to.add({.method = "POST",
          .pattern = "/api/v1/workers/{name}/{action}",
          .access = access::operate,
          .serve = [&s](request const& r) { return act_on_worker(s, r); },
          .summary = "Tells a worker, or all of them (*), to grow, shrink, autoscale, add_consumer, cancel_consumer, "
                     "restart, shutdown, enable_events, disable_events, rate_limit or time_limit",
          .takes = {"n: of grow and shrink", "min: of autoscale", "max: of autoscale", "queue: of consumers",
                    "task: of limits", "rate: such as 10/m", "soft: seconds", "hard: seconds"},
          .audited = true});
}

}  // namespace lovage::web
