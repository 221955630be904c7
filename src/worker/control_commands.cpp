#include "worker/control_commands.hpp"

#include "app/registry.hpp"
#include "core/log.hpp"
#include "wire/task_message.hpp"
#include "worker/commands/all.hpp"

#include <algorithm>
#include <charconv>

namespace lovage::work {
namespace {

using parameter = command_parameter;

constexpr parameter settings_p[] = {{"with_defaults"}};
constexpr parameter safe_p[] = {{"safe"}};
constexpr parameter items_p[] = {{"taskinfoitems"}, {"builtins"}};
constexpr parameter ids_p[] = {{"ids", true}};
constexpr parameter samples_p[] = {{"samples"}};
constexpr parameter objects_p[] = {{"num"}, {"max_depth"}, {"type"}};
constexpr parameter hello_p[] = {{"from_node", true}, {"revoked"}};
constexpr parameter revoke_p[] = {{"task_id", true}, {"terminate"}, {"signal"}};
constexpr parameter terminate_p[] = {{"signal", true}, {"task_id", true}};
constexpr parameter stamps_p[] = {{"headers", true}, {"terminate"}, {"signal"}};
constexpr parameter rate_p[] = {{"task_name", true}, {"rate_limit", true}};
constexpr parameter time_p[] = {{"task_name"}, {"hard"}, {"soft"}};
constexpr parameter n_p[] = {{"n"}};
constexpr parameter restart_p[] = {{"modules"}, {"reload"}, {"reloader"}};
constexpr parameter scale_p[] = {{"max"}, {"min"}};
constexpr parameter add_p[] = {{"queue", true}, {"exchange"}, {"exchange_type"}, {"routing_key"}};
constexpr parameter queue_p[] = {{"queue", true}};
constexpr parameter election_p[] = {{"id", true}, {"topic", true}, {"action"}};
constexpr parameter shutdown_p[] = {{"msg"}};

// Celery's, with the arguments of its functions; those without `**kwargs` refuse what they do not know.
constexpr command table[] = {
    {"active", "dump_active", safe_p, true, commands::active},
    {"active_queues", "", {}, false, commands::active_queues},
    {"add_consumer", "", add_p, true, commands::add_consumer},
    {"autoscale", "", scale_p, false, commands::autoscale},
    {"cancel_consumer", "", queue_p, true, commands::cancel_consumer},
    {"clock", "", {}, true, commands::clock},
    {"conf", "dump_conf", settings_p, true, commands::conf},
    {"disable_events", "", {}, false, commands::disable_events},
    {"election", "", election_p, true, commands::election},
    {"enable_events", "", {}, false, commands::enable_events},
    {"heartbeat", "", {}, false, commands::heartbeat},
    {"hello", "", hello_p, true, commands::hello},
    {"memdump", "", samples_p, true, commands::memdump},
    {"memsample", "", {}, true, commands::memsample},
    {"objgraph", "", objects_p, false, commands::objgraph},
    {"ping", "", {}, true, commands::ping},
    {"pool_grow", "", n_p, true, commands::pool_grow},
    {"pool_restart", "", restart_p, true, commands::pool_restart},
    {"pool_shrink", "", n_p, true, commands::pool_shrink},
    {"query_task", "", ids_p, true, commands::query_task},
    {"rate_limit", "", rate_p, true, commands::rate_limit},
    {"registered", "dump_tasks", items_p, true, commands::registered},
    {"report", "", {}, false, commands::report},
    {"reserved", "dump_reserved", {}, true, commands::reserved},
    {"revoke", "", revoke_p, true, commands::revoke},
    {"revoke_by_stamped_headers", "", stamps_p, true, commands::revoke_by_stamped_headers},
    {"revoked", "dump_revoked", {}, true, commands::revoked},
    {"scheduled", "dump_schedule", {}, true, commands::scheduled},
    {"shutdown", "", shutdown_p, true, commands::shutdown},
    {"stats", "", {}, true, commands::stats},
    {"terminate", "", terminate_p, true, commands::terminate},
    {"time_limit", "", time_p, true, commands::time_limit},
};

// Python's words for a call that does not fit the function.
void check_arguments(command const& c, value::map const& given) {
  auto const refuse = [&](std::string const& why) {
    throw command_refused{exception_text("TypeError", std::string{c.name} + "() " + why)};
  };
  for (auto const& [key, v] : given) {
    bool const known =
        std::any_of(c.parameters.begin(), c.parameters.end(), [&](auto const& p) { return p.name == key; });
    if (!known && !c.takes_more) refuse("got an unexpected keyword argument '" + key + "'");
  }
  std::vector<std::string> missing;
  for (auto const& p : c.parameters)
    if (p.needed && find(given, p.name) == nullptr) missing.push_back("'" + std::string{p.name} + "'");
  if (missing.empty()) return;
  std::string names;
  for (std::size_t i = 0; i < missing.size(); ++i)
    names += (i == 0 ? "" : i + 1 == missing.size() ? " and " : ", ") + missing[i];
  refuse("missing " + std::to_string(missing.size()) + " required positional argument" +
         (missing.size() == 1 ? "" : "s") + ": " + names);
}

// A plug-in's. Names of lovage's come first.
value run_own(node& on, std::string const& method, value::map const& arguments) {
  auto const* own = on.app.tasks.internals().find_command(method);
  if (own == nullptr) throw command_refused{exception_text("KeyError", method)};
  auto answer = task_registry::impl::run(*own, arguments);
  if (!answer) throw command_refused{answer.error().detail};
  return *std::move(answer);
}

std::optional<value> run_named(node& on, std::string const& method, value::map const& arguments) {
  auto const* at = std::find_if(std::begin(table), std::end(table), [&](command const& c) {
    return c.name == method || (!c.alias.empty() && c.alias == method);
  });
  if (at == std::end(table)) return run_own(on, method, arguments);
  check_arguments(*at, arguments);
  return at->run(on, arguments);
}

[[noreturn]] void bad(std::string_view name, char const* wanted, value const& got) {
  throw command_refused{
      exception_text("TypeError", "'" + std::string{name} + "' is " + got.kind() + ", expected " + wanted)};
}

}  // namespace

std::span<command const> all_commands() { return table; }

std::optional<value> run_command(node& on, std::string const& method, value::map const& arguments) {
  try {
    return run_named(on, method, arguments);
  } catch (command_refused const& why) {
    log::error("control command " + method + ": " + why.text);
    return value{value::map{{"error", why.text}}};
  } catch (std::exception const& e) {
    log::error("control command " + method + ": " + e.what());
    return value{value::map{{"error", exception_text("RuntimeError", e.what())}}};
  }
}

// Python's repr of a text: it takes the quotes that need no escape.
std::string exception_text(std::string_view type, std::string_view message) {
  bool const doubled = message.find('\'') != message.npos && message.find('"') == message.npos;
  char const mark = doubled ? '"' : '\'';
  auto out = std::string{type} + "(" + mark;
  for (char const c : message) {
    if (c == mark || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + mark + ")";
}

value const& argument(value::map const& arguments, std::string_view name) {
  static value const none;
  auto const* v = find(arguments, name);
  return v != nullptr ? *v : none;
}

bool is_true(value const& v) {
  if (auto const* b = v.get_if<bool>()) return *b;
  if (auto const* i = v.get_if<std::int64_t>()) return *i != 0;
  if (auto const* d = v.get_if<double>()) return *d != 0;
  if (auto const* s = v.get_if<std::string>()) return !s->empty();
  if (auto const* l = v.get_if<value::list>()) return !l->empty();
  if (auto const* m = v.get_if<value::map>()) return !m->empty();
  return !v.is_null();
}

std::string text_of(value const& v, std::string_view name) {
  if (auto const* s = v.get_if<std::string>()) return *s;
  if (auto const* i = v.get_if<std::int64_t>()) return std::to_string(*i);
  if (v.is<double>()) return wire::repr(v);
  bad(name, "text", v);
}

std::vector<std::string> texts_of(value const& v, std::string_view name) {
  std::vector<std::string> out;
  if (v.is_null()) return out;
  if (auto const* list = v.get_if<value::list>()) {
    for (auto const& item : *list) out.push_back(text_of(item, name));
  } else {
    out.push_back(text_of(v, name));
  }
  return out;
}

std::optional<double> number_of(value const& v, std::string_view name) {
  if (v.is_null()) return std::nullopt;
  if (auto const* i = v.get_if<std::int64_t>()) return static_cast<double>(*i);
  if (auto const* d = v.get_if<double>()) return *d;
  if (auto const* s = v.get_if<std::string>()) {
    double out = 0;
    auto const [end, code] = std::from_chars(s->data(), s->data() + s->size(), out);
    if (code == std::errc{} && end == s->data() + s->size()) return out;
  }
  bad(name, "a number", v);
}

std::optional<std::int64_t> integer_of(value const& v, std::string_view name) {
  auto const n = number_of(v, name);
  if (!n) return std::nullopt;
  constexpr double most = 1e9;
  if (!(*n >= -most && *n <= most)) bad(name, "a number within reason", v);
  return static_cast<std::int64_t>(*n);
}

void or_refuse(expected<void> const& done) {
  if (!done) throw command_refused{done.error().detail};
}

}  // namespace lovage::work
