// /api/v1/schedule: what is periodic.
#include "beat/entry.hpp"
#include "config/url.hpp"
#include "web/site.hpp"
#include "web/views.hpp"
#include "wire/task_message.hpp"

#include <algorithm>

namespace lovage::web {
namespace {

value entry_value(periodic_task const& t, bool masked) {
  value::map out{{"name", t.name},
                 {"schedule", t.schedule},
                 {"words", t.words},
                 {"task", t.task},
                 {"args", masked && !t.args.empty() ? value{mask} : value{t.args}},
                 {"kwargs", masked && !t.kwargs.empty() ? value{mask} : value{t.kwargs}},
                 {"options", t.options},
                 {"origin", t.origin},
                 {"enabled", t.enabled},
                 {"last", seconds_value(t.last_run_at)},
                 {"next", t.enabled ? seconds_value(t.next_run_at) : value{}},
                 {"runs", t.total_run_count}};
  auto const with = beats::option_map(t.with);
  for (char const* key : {"spread", "jitter", "overlap", "catch_up", "grace", "start", "end", "one_off"}) {
    auto const* v = find(with, key);
    out.push_back({key, v ? *v : value{}});
  }
  return value{std::move(out)};
}

response show_schedule(site& s) {
  auto& on = s.schedule();
  auto const all = on.list();
  auto const view = [&](auto const& t) { return entry_value(t, s.with.mask_arguments); };
  auto const store = on.store();
  bool const edits = !s.with.read_only && store.find("django") == std::string::npos;
  return json_response(
      value::map{{"entries", list_value(all, view)}, {"store", text_value(mask_url(store))}, {"can_edit", edits}});
}

response show_heat(site& s, request const& r) {
  auto const from = number_of(r.query, "from");
  auto const of = s.schedule().heat(from ? time_of(*from) : s.now());
  auto const pile_up = [](heat_map::pile_up const& p) {
    return value{value::map{
        {"at", seconds_value(p.at)}, {"runs", p.runs}, {"entries", names_value(p.entries)}, {"more", p.more}}};
  };
  auto const quiet = [](heat_map::quiet_time const& q) {
    return value{value::map{{"from", seconds_value(q.from)}, {"until", seconds_value(q.until)}, {"runs", q.runs}}};
  };
  return json_response(value::map{{"begin", seconds_value(of.begin)},
                                  {"runs", of.runs},
                                  {"per_minute", list_value(of.per_minute, [](auto n) { return value{n}; })},
                                  {"pile_ups", list_value(of.pile_ups, pile_up)},
                                  {"quiet", list_value(of.quiet, quiet)}});
}

periodic_task entry_named(site& s, std::string const& name) {
  auto out = s.schedule().find(name);
  if (!out)
    throw error{errc::not_registered, "there is no periodic task of this name; GET /api/v1/schedule lists them", name};
  return *std::move(out);
}

// Events do not tell which entry sent a task; its name and arguments do.
response show_runs(site& s, request const& r) {
  auto const t = entry_named(s, std::string{r.parameters.get("name")});
  monitor::task_filter which;
  which.name = t.task;
  auto const page = s.eyes.kept().find(which, monitor::task_order::newest, 200, {}, site::soon()).value();
  auto const args = wire::args_repr(t.args), kwargs = wire::kwargs_repr(t.kwargs);
  value::list out;
  for (auto const& each : page.tasks) {
    bool const same = (each.args.empty() || each.args == args) && (each.kwargs.empty() || each.kwargs == kwargs);
    if (same && out.size() < 50) out.push_back(task_value(each, s.with.mask_arguments));
  }
  return json_response(value::map{{"tasks", std::move(out)}});
}

response act_on_entry(site& s, request const& r) {
  std::string const name{r.parameters.get("name")};
  auto const action = r.parameters.get("action");
  auto& on = s.schedule();
  (void)entry_named(s, name);
  if (action == "run") return json_response(value::map{{"id", on.run(name).str()}}, 201);
  if (action == "pause") {
    on.pause(name);
  } else if (action == "resume") {
    on.resume(name);
  } else if (action == "remove") {
    on.remove(name);
  } else {
    return error_response(404, "not_found", "entries know pause, resume, run and remove", std::string{action});
  }
  return json_response(value::map{{"done", true}});
}

schedule schedule_of_text(std::string const& text) {
  auto out = schedule::parse(text);
  if (!out) throw error{out.error()};
  return *std::move(out);
}

/// Options of the entry, as the setting `beat_schedule` has them.
bool is_entry_option(std::string_view key) {
  static constexpr std::string_view all[] = {"spread", "jitter", "overlap", "catch_up",
                                             "grace",  "start",  "end",     "one_off"};
  return std::find(std::begin(all), std::end(all), key) != std::end(all);
}

periodic_change change_of(value::map const& body) {
  periodic_change out;
  for (auto const& [key, v] : body) {
    if (key == "name") continue;
    if (key == "schedule") {
      out.when = schedule_of_text(needed_text(body, "schedule"));
    } else if (key == "task") {
      out.task = needed_text(body, "task");
    } else if (key == "args") {
      auto const* list = v.get_if<value::list>();
      if (!list) throw error{errc::invalid_argument, "args must be an array", "args"};
      out.args = *list;
    } else if (key == "kwargs" || key == "options") {
      auto const* map = v.get_if<value::map>();
      if (!map) throw error{errc::invalid_argument, key + " must be an object", key};
      (key == "kwargs" ? out.kwargs : out.options) = *map;
    } else if (is_entry_option(key)) {
      out.with.push_back({key, v});
    } else {
      throw error{errc::invalid_argument, "an entry has no '" + key + "'", key};
    }
  }
  return out;
}

response add_entry(site& s, request const& r) {
  auto const body = json_body(r);
  if (!body) return error_response(body.error());
  auto const name = needed_text(*body, "name"), task = needed_text(*body, "task");
  auto const when = schedule_of_text(needed_text(*body, "schedule"));
  s.schedule().add_named(name, when, task, change_of(*body));
  return json_response(entry_value(entry_named(s, name), s.with.mask_arguments), 201);
}

response edit_entry(site& s, request const& r) {
  auto const body = json_body(r);
  if (!body) return error_response(body.error());
  std::string const name{r.parameters.get("name")};
  (void)entry_named(s, name);
  s.schedule().edit(name, change_of(*body));
  return json_response(entry_value(entry_named(s, name), s.with.mask_arguments));
}

}  // namespace

void add_schedule_routes(router& to, site& s) {
  std::vector<std::string> const members{"name: of the entry",
                                         "schedule: \"*/5 * * * *\", \"every 90s\", ...",
                                         "task: its name",
                                         "args: list",
                                         "kwargs: map",
                                         "options: of the call",
                                         "spread: seconds",
                                         "jitter: seconds",
                                         "overlap: allow, skip, queue or cancel",
                                         "catch_up: none, last or all"};
  to.add({.method = "GET",
          .pattern = "/api/v1/schedule",
          .serve = [&s](request const&) { return show_schedule(s); },
          .summary = "Periodic tasks, with their last and next runs"});
  to.add({.method = "POST",
          .pattern = "/api/v1/schedule",
          .access = access::operate,
          .serve = [&s](request const& r) { return add_entry(s, r); },
          .summary = "Adds a periodic task",
          .takes = members,
          .audited = true});
  to.add({.method = "GET",
          .pattern = "/api/v1/schedule/heat",
          .serve = [&s](request const& r) { return show_heat(s, r); },
          .summary = "Runs of a day, minute by minute; pile-ups and quiet hours",
          .takes = {"from: Unix seconds; now unless given"}});
  to.add({.method = "PATCH",
          .pattern = "/api/v1/schedule/{name}",
          .access = access::operate,
          .serve = [&s](request const& r) { return edit_entry(s, r); },
          .summary = "Changes an entry; what is not named stays",
          .takes = members,
          .audited = true});
  to.add({.method = "GET",
          .pattern = "/api/v1/schedule/{name}/history",
          .serve = [&s](request const& r) { return show_runs(s, r); },
          .summary = "Its newest runs: tasks of the same name and arguments"});
  to.add({.method = "POST",
          .pattern = "/api/v1/schedule/{name}/{action}",
          .access = access::operate,
          .serve = [&s](request const& r) { return act_on_entry(s, r); },
          .summary = "pause, resume, run (now, beside its schedule; gives the task's id) or remove",
          .audited = true});
}

}  // namespace lovage::web
