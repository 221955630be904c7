// lovage tasks
#include "cli/commands.hpp"
#include "cli/print.hpp"

#include "wire/task_message.hpp"

#include <memory>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

std::string signature_text(task_info const& t) {
  auto out = t.name + "(";
  for (auto const& p : t.parameters) {
    if (out.back() != '(') out += ", ";
    out += p.name.empty() ? p.type : p.name + ": " + p.type;
  }
  return out + ")" + (t.returns.empty() ? "" : " -> " + t.returns);
}

std::string as_text(task_info const& t) {
  auto out = signature_text(t) + "\n";
  for (auto const& o : t.options) out += "    " + o.key + " = " + wire::repr(o.val) + "\n";
  return out + "    from " + t.source + "\n";
}

value as_value(task_info const& t) {
  value::list parameters;
  for (auto const& p : t.parameters) parameters.push_back(value::map{{"name", p.name}, {"type", p.type}});
  return value::map{{"name", t.name},
                    {"parameters", std::move(parameters)},
                    {"returns", t.returns},
                    {"options", t.options},
                    {"source", t.source}};
}

int run_tasks(session const& s, bool json) {
  if (s.given.apps.empty()) throw usage_error{"which tasks? Name a plug-in: lovage tasks -A ./libtasks.so"};
  auto on = s.open();
  std::string text;
  value::list values;
  for (auto const& t : on.tasks().list()) {
    text += as_text(t);
    values.push_back(as_value(t));
  }
  if (values.empty()) text = "no tasks\n";
  print(json ? json_line(value{std::move(values)}) : text);
  return exit_ok;
}

constexpr char const* tasks_footer = R"(Examples:
  lovage tasks -A ./libtasks.so           names, parameters with types, limits
  lovage tasks -A ./libtasks.so --json)";

}  // namespace

void add_tasks(CLI::App& root, session& s) {
  auto const json = std::make_shared<bool>(false);
  auto* c = root.add_subcommand("tasks", "List the tasks of plug-ins");
  c->add_flag("--json", *json, "As one line of JSON");
  c->footer(tasks_footer);
  c->callback([json, &s] { s.action = [json, &s] { return run_tasks(s, *json); }; });
}

}  // namespace lovage::cli
