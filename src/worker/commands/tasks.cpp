// What is to become of tasks: revoked, ended, slowed down, limited.
#include "app/registry.hpp"
#include "core/log.hpp"
#include "wire/task_message.hpp"
#include "worker/commands/all.hpp"

#include <csignal>

#include <algorithm>
#include <array>
#include <utility>

namespace lovage::work::commands {
namespace {

std::string joined(std::vector<std::string> const& words) {
  std::string out;
  for (auto const& w : words) out += (out.empty() ? "" : ", ") + w;
  return out;
}

// As Python writes a set.
std::string set_text(std::vector<std::string> const& items) {
  if (items.empty()) return "set()";
  std::string out;
  for (auto const& item : items) out += (out.empty() ? "{" : ", ") + wire::repr(value{item});
  return out + "}";
}

// "TERM", "SIGTERM", 15; nothing is TERM.
int signal_of(value const& v) {
  if (!is_true(v)) return SIGTERM;
  static constexpr std::array<std::pair<std::string_view, int>, 9> known{{{"TERM", SIGTERM},
                                                                          {"KILL", SIGKILL},
                                                                          {"INT", SIGINT},
                                                                          {"QUIT", SIGQUIT},
                                                                          {"HUP", SIGHUP},
                                                                          {"USR1", SIGUSR1},
                                                                          {"USR2", SIGUSR2},
                                                                          {"ABRT", SIGABRT},
                                                                          {"ALRM", SIGALRM}}};
  auto const text = text_of(v, "signal");
  auto const bare = std::string_view{text}.substr(text.starts_with("SIG") ? 3 : 0);
  for (auto const& [name, number] : known)
    if (bare == name || text == std::to_string(number)) return number;
  throw command_refused{exception_text("ValueError", "no signal " + text)};
}

// Whether it runs, and is being ended. One that was begun just now is known to the pool before it is to the consumer.
bool end_one(node& on, task_view const& t, int signal) {
  if (t.phase == task_phase::scheduled) return false;
  auto const done = on.jobs.terminate(t.job, signal);
  if (!done && done.error().code != errc::invalid_argument && t.phase == task_phase::active)
    throw command_refused{done.error().detail};
  bool const ends = done || t.phase == task_phase::active;
  if (ends) log::info("Terminating " + t.message.id.str() + " (" + std::to_string(signal) + ")");
  return ends;
}

// Those of them that this worker holds; what runs is ended. One that has not begun is not going to: it is revoked.
std::vector<std::string> end(node& on, std::vector<task_view> const& tasks, int signal) {
  std::vector<std::string> out;
  for (auto const& t : tasks) {
    out.push_back(t.message.id.str());
    (void)end_one(on, t, signal);
  }
  return out;
}

answer revoke_ids(node& on, std::vector<std::string> ids, bool with_end, value const& signal) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  int const number = signal_of(signal);
  need(on.parts.revoke, "revoking is")({ids.begin(), ids.end()});
  if (!with_end) {
    log::info("Tasks flagged as revoked: " + joined(ids));
    return ok("tasks " + set_text(ids) + " flagged as revoked");
  }
  auto tasks = tasks_of(on);
  std::erase_if(tasks,
                [&](task_view const& t) { return !std::binary_search(ids.begin(), ids.end(), t.message.id.str()); });
  auto const ended = end(on, tasks, number);
  return ok(ended.empty() ? "terminate: tasks unknown" : "terminate: " + joined(ended));
}

// A map, or a list of "name=value".
value::map stamps_of(value const& v) {
  if (auto const* m = v.get_if<value::map>()) return *m;
  value::map out;
  for (auto const& word : texts_of(v, "headers")) {
    auto const equals = word.find('=');
    if (equals == word.npos) throw command_refused{"IndexError('list index out of range')"};
    out.push_back({word.substr(0, equals), word.substr(equals + 1)});
  }
  return out;
}

value::map stamps_as_lists(value::map const& given) {
  value::map out;
  for (auto const& [name, v] : given) {
    value::list items;
    for (auto const& text : texts_of(v, name)) items.emplace_back(text);
    out.push_back({name, std::move(items)});
  }
  return out;
}

bool has_stamp(task_view const& t, value::map const& wanted) {
  for (auto const& [name, values] : wanted) {
    auto const* own = find(t.message.stamps, name);
    if (own == nullptr || own->is_null()) continue;
    auto const have = texts_of(*own, name), want = texts_of(values, name);
    if (std::find_first_of(have.begin(), have.end(), want.begin(), want.end()) != have.end()) return true;
  }
  return false;
}

std::string known_task(node const& on, value const& name) {
  auto task = name.is_null() ? std::string{} : text_of(name, "task_name");
  if (on.app.tasks.internals().find(task) == nullptr) throw command_refused{"unknown task"};
  return task;
}

}  // namespace

answer revoke(node& on, arguments given) {
  return revoke_ids(on, texts_of(argument(given, "task_id"), "task_id"), is_true(argument(given, "terminate")),
                    argument(given, "signal"));
}

answer terminate(node& on, arguments given) {
  return revoke_ids(on, texts_of(argument(given, "task_id"), "task_id"), true, argument(given, "signal"));
}

answer revoke_by_stamped_headers(node& on, arguments given) {
  auto const headers = stamps_of(argument(given, "headers"));
  auto const stamps = stamps_as_lists(headers);
  int const number = signal_of(argument(given, "signal"));
  need(on.parts.revoke_stamps, "revoking is")(stamps);
  auto const text = "headers " + wire::repr(value{headers});
  if (!is_true(argument(given, "terminate"))) return ok(text + " flagged as revoked, but not terminated");
  auto tasks = tasks_of(on);
  std::erase_if(tasks, [&](auto const& t) { return !has_stamp(t, stamps) || !end_one(on, t, number); });
  return ok(tasks.empty() ? text + " were not terminated" : text + " revoked");
}

answer rate_limit(node& on, arguments given) {
  auto const& rate = argument(given, "rate_limit");
  auto const task = known_task(on, argument(given, "task_name"));
  bool const off = !is_true(rate);
  auto const text = off ? std::string{"0"} : text_of(rate, "rate_limit");
  or_refuse(need(on.parts.rate_limit, "rate limits are")(task, text));
  on.rate_limits[task] = text;
  if (off) return ok("rate limit disabled successfully");
  return ok("new rate limit set successfully");
}

answer time_limit(node& on, arguments given) {
  auto const task = known_task(on, argument(given, "task_name"));
  auto const hard = number_of(argument(given, "hard"), "hard"), soft = number_of(argument(given, "soft"), "soft");
  or_refuse(need(on.parts.time_limits, "changing time limits is")(task, hard, soft));
  return ok("time limits set successfully");
}

}  // namespace lovage::work::commands
