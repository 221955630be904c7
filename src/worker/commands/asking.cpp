// What a worker holds and knows.
#include "app/registry.hpp"
#include "wire/result_record.hpp"
#include "wire/task_message.hpp"
#include "worker/commands/all.hpp"

#include <algorithm>

namespace lovage::work::commands {
namespace {

double seconds_of(time_point t) { return static_cast<double>(t.time_since_epoch().count()) / 1e6; }

value task_info(node const& on, task_view const& t, bool safe) {
  auto const& m = t.message;
  value::map where{{"exchange", t.exchange},
                   {"routing_key", t.routing_key},
                   {"priority", t.priority},
                   {"redelivered", t.redelivered}};
  return value::map{{"id", m.id.str()},
                    {"name", m.task},
                    {"args", safe ? value{wire::args_repr(m.args)} : value{m.args}},
                    {"kwargs", safe ? value{wire::kwargs_repr(m.kwargs)} : value{m.kwargs}},
                    {"type", m.task},
                    {"hostname", on.name},
                    {"time_start", t.started ? value{seconds_of(*t.started)} : value{}},
                    {"acknowledged", t.acknowledged},
                    {"delivery_info", std::move(where)},
                    {"worker_pid", t.pid != 0 ? value{t.pid} : value{}}};
}

value::list infos(node& on, task_phase phase, bool safe) {
  value::list out;
  for (auto const& t : tasks_of(on))
    if (t.phase == phase) out.push_back(task_info(on, t, safe));
  return out;
}

char const* name_of(task_phase phase) {
  switch (phase) {
    case task_phase::active: return "active";
    case task_phase::scheduled: return "scheduled";
    default: return "reserved";
  }
}

// An attribute of a Python task of this name; null where there is none.
value attribute(task_entry const& entry, task_options const& all, std::string_view name) {
  if (auto const* own = find(entry.spec, name); own && name != "params") return *own;
  auto const seconds = [](double s) { return s > 0 ? value{s} : value{}; };
  if (name == "name") return entry.name;
  if (name == "max_retries") return all.max_retries ? value{*all.max_retries} : value{};
  if (name == "default_retry_delay") return all.default_retry_delay_s;
  if (name == "time_limit") return seconds(all.time_limit_s);
  if (name == "soft_time_limit") return seconds(all.soft_time_limit_s);
  if (name == "ignore_result") return all.ignore_result;
  if (name == "store_errors_even_if_ignored") return all.store_errors_even_if_ignored;
  if (name == "acks_late") return all.acks_late;
  if (name == "acks_on_failure_or_timeout") return all.acks_on_failure_or_timeout;
  if (name == "acks_on_failure") return all.acknowledges_failure();
  if (name == "acks_on_timeout") return all.acknowledges_timeout();
  if (name == "track_started") return all.track_started;
  if (name == "reject_on_worker_lost") return all.reject_on_worker_lost;
  return {};
}

std::string with_attributes(node const& on, task_entry const& entry, std::vector<std::string> const& items) {
  auto const all = task_options::merge(task_options::defaults(on.app.settings), entry.spec);
  std::string out;
  for (auto const& item : items) {
    auto const told = item == "rate_limit" ? on.rate_limits.find(entry.name) : on.rate_limits.end();
    auto const v = told == on.rate_limits.end() ? attribute(entry, all, item) : value{told->second};
    if (v.is_null()) continue;
    auto const* text = v.get_if<std::string>();
    out += (out.empty() ? "" : " ") + item + "=" + (text ? *text : wire::repr(v));
  }
  return out.empty() ? entry.name : entry.name + " [" + out + "]";
}

}  // namespace

std::vector<task_view> tasks_of(node& on) {
  auto tasks = need(on.parts.tasks, "tasks are")();
  if (!tasks) throw command_refused{"the worker is busy with its broker; ask again"};
  return *std::move(tasks);
}

answer ping(node&, arguments) { return ok("pong"); }

answer clock(node& on, arguments) { return value{value::map{{"clock", on.clock.value()}}}; }

answer active(node& on, arguments given) {
  return value{infos(on, task_phase::active, is_true(argument(given, "safe")))};
}

answer reserved(node& on, arguments) { return value{infos(on, task_phase::reserved, false)}; }

answer scheduled(node& on, arguments) {
  constexpr int timer_priority = 6;  // a constant of Celery's timer
  value::list out;
  for (auto const& t : tasks_of(on)) {
    if (t.phase != task_phase::scheduled) continue;
    out.push_back(value::map{{"eta", t.message.eta ? value{wire::to_iso(*t.message.eta)} : value{}},
                             {"priority", timer_priority},
                             {"request", task_info(on, t, false)}});
  }
  return value{std::move(out)};
}

answer query_task(node& on, arguments given) {
  auto const ids = texts_of(argument(given, "ids"), "ids");
  value::map out;
  for (auto const& t : tasks_of(on))
    if (std::find(ids.begin(), ids.end(), t.message.id.str()) != ids.end())
      out.push_back({t.message.id.str(), value::list{name_of(t.phase), task_info(on, t, false)}});
  return value{std::move(out)};
}

answer revoked(node& on, arguments) {
  value::list out;
  if (on.parts.revoked)
    for (auto const& id : on.parts.revoked()) out.emplace_back(id.str());
  return value{std::move(out)};
}

answer registered(node& on, arguments given) {
  auto items = texts_of(argument(given, "taskinfoitems"), "taskinfoitems");
  if (items.empty()) items = {"exchange", "routing_key", "rate_limit"};
  std::erase_if(items, [](std::string const& item) { return item.starts_with('_'); });
  bool const builtins = is_true(argument(given, "builtins"));
  value::list out;
  for (auto const& [name, entry] : on.app.tasks.internals().entries())  // sorted
    if (builtins || !name.starts_with("celery.")) out.emplace_back(with_attributes(on, entry, items));
  return value{std::move(out)};
}

}  // namespace lovage::work::commands
