#include "cli/control_arguments.hpp"

#include "cli/session.hpp"
#include "cli/words.hpp"

#include <algorithm>
#include <charconv>

namespace lovage::cli {
namespace {

using kind = argument_kind;
using argument = control_argument;

constexpr argument conf_a[] = {{"with_defaults", kind::flag}};
constexpr argument objects_a[] = {{"type"}, {"num", kind::integer}, {"max_depth", kind::integer}};
constexpr argument samples_a[] = {{"samples", kind::integer}};
constexpr argument signal_a[] = {{"signal", kind::text, true}};
constexpr argument rate_a[] = {{"task_name", kind::text, true}, {"rate_limit", kind::text, true}};
constexpr argument time_a[] = {{"task_name", kind::text, true}, {"soft", kind::number, true}, {"hard", kind::number}};
constexpr argument n_a[] = {{"n", kind::integer}};
constexpr argument scale_a[] = {{"max", kind::integer}, {"min", kind::integer}};
constexpr argument add_a[] = {{"queue", kind::text, true}, {"exchange"}, {"exchange_type"}, {"routing_key"}};
constexpr argument queue_a[] = {{"queue", kind::text, true}};

constexpr control_command table[] = {
    {"active", true, {}, nullptr, "", "List of tasks currently being executed"},
    {"active_queues", true, {}, nullptr, "", "List the task queues a worker is currently consuming from"},
    {"add_consumer", false, add_a, nullptr, "<queue> [exchange [type [routing_key]]]",
     "Tell worker(s) to consume from task queue by name"},
    {"autoscale", false, scale_a, nullptr, "[max [min]]", "Modify autoscale settings"},
    {"cancel_consumer", false, queue_a, nullptr, "<queue>", "Tell worker(s) to stop consuming from task queue by name"},
    {"clock", true, {}, nullptr, "", "Get current logical clock value"},
    {"conf", true, conf_a, nullptr, "[include_defaults=False]", "List configuration"},
    {"disable_events", false, {}, nullptr, "", "Tell worker(s) to stop sending task-related events"},
    {"election", false, {}, nullptr, "", "Hold election"},
    {"enable_events", false, {}, nullptr, "", "Tell worker(s) to send task-related events"},
    {"heartbeat", false, {}, nullptr, "", "Tell worker(s) to send event heartbeat immediately"},
    {"memdump", true, samples_a, nullptr, "[n_samples=10]", "Dump statistics of previous memsample requests"},
    {"memsample", true, {}, nullptr, "", "Sample current RSS memory usage"},
    {"objgraph", true, objects_a, nullptr, "[object_type=Request] [num=200 [max_depth=10]]",
     "Create graph of uncollected objects (Python workers only)"},
    {"ping", true, {}, nullptr, "", "Ping worker(s)"},
    {"pool_grow", false, n_a, nullptr, "[N=1]", "Grow pool by n processes/threads"},
    {"pool_restart", false, {}, nullptr, "", "Restart execution pool"},
    {"pool_shrink", false, n_a, nullptr, "[N=1]", "Shrink pool by n processes/threads"},
    {"query_task", true, {}, "ids", "<id1> [id2 [... [idN]]]", "Query for task information by id", true},
    {"rate_limit", false, rate_a, nullptr, "<task_name> <rate_limit (e.g., 5/s | 5/m | 5/h)>",
     "Tell worker(s) to modify the rate limit for a task by type"},
    {"registered", true, {}, "taskinfoitems", "[attr1 [attr2 [... [attrN]]]]", "List of registered tasks"},
    {"report", true, {}, nullptr, "", "Information about the installation for bug reports"},
    {"reserved", true, {}, nullptr, "", "List of currently reserved tasks, not including scheduled/active"},
    {"revoke", false, {}, "task_id", "<id1> [id2 [... [idN]]]", "Revoke task by task id (or list of ids)", true},
    {"revoke_by_stamped_headers",
     false,
     {},
     "headers",
     "<key1=value1> [key2=value2 [... [keyN=valueN]]]",
     "Revoke task by header (or list of headers)",
     true},
    {"revoked", true, {}, nullptr, "", "List of revoked task-ids"},
    {"scheduled", true, {}, nullptr, "", "List of currently scheduled ETA/countdown tasks"},
    {"shutdown", false, {}, nullptr, "", "Shutdown worker(s)"},
    {"stats", true, {}, nullptr, "", "Request worker statistics/information"},
    {"terminate", false, signal_a, "task_id", "<signal> <id1> [id2 [... [idN]]]",
     "Terminate task by task id (or list of ids)", true},
    {"time_limit", false, time_a, nullptr, "<task_name> <soft_secs> [hard_secs]",
     "Tell worker(s) to modify the time limit for task by type"},
};

template <class T>
T number_of(control_argument const& a, std::string const& word, char const* wanted) {
  T out{};
  auto const [end, code] = std::from_chars(word.data(), word.data() + word.size(), out);
  if (code != std::errc{} || end != word.data() + word.size())
    throw usage_error{std::string{a.name} + " is " + wanted + ", not '" + word + "'"};
  return out;
}

bool flag_of(control_argument const& a, std::string const& word) {
  for (auto const* yes : {"1", "true", "yes", "on", "True"})
    if (word == yes) return true;
  for (auto const* no : {"0", "false", "no", "off", "False"})
    if (word == no) return false;
  throw usage_error{std::string{a.name} + " is true or false, not '" + word + "'"};
}

value value_of(control_argument const& a, std::string const& word) {
  switch (a.kind) {
    case kind::integer: return number_of<std::int64_t>(a, word, "a whole number");
    case kind::number: return number_of<double>(a, word, "a number");
    case kind::flag: return flag_of(a, word);
    default: return word;
  }
}

void check_complete(control_command const& c, std::size_t given) {
  auto const missing = [&]() -> char const* {
    for (std::size_t i = given; i < c.arguments.size(); ++i)
      if (c.arguments[i].needed) return c.arguments[i].name;
    return c.some && given <= c.arguments.size() ? c.variadic : nullptr;
  }();
  if (missing != nullptr)
    throw usage_error{std::string{"missing argument '"} + missing + "'; usage: lovage " +
                      (c.inspects ? "inspect " : "control ") + std::string{c.name} + " " + c.signature};
}

}  // namespace

std::span<control_command const> control_commands() { return table; }

control_command const* find_control_command(std::string_view name, bool inspects) {
  auto const* at = std::find_if(std::begin(table), std::end(table),
                                [&](auto const& c) { return c.name == name && c.inspects == inspects; });
  return at == std::end(table) ? nullptr : at;
}

value::map control_arguments(control_command const& command, std::vector<std::string> const& words) {
  check_complete(command, words.size());
  value::map out;
  value::list rest;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i < command.arguments.size()) {
      auto const& a = command.arguments[i];
      out.push_back({a.name, value_of(a, words[i])});
    } else if (command.variadic) {
      rest.emplace_back(words[i]);
    } else {
      throw usage_error{"Command '" + std::string{command.name} +
                        "' takes arguments: " + (*command.signature ? command.signature : "none")};
    }
  }
  if (command.variadic) out.push_back({command.variadic, std::move(rest)});
  return out;
}

value::map own_arguments(std::vector<std::string> const& words) {
  value::map out;
  for (auto const& word : words) {
    auto const equals = word.find('=');
    if (equals == word.npos || equals == 0) throw usage_error{"arguments are given as name=value, not '" + word + "'"};
    out.push_back({word.substr(0, equals), value_of_word(std::string_view{word}.substr(equals + 1))});
  }
  return out;
}

}  // namespace lovage::cli
