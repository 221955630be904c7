// lovage result
#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "cli/waiting.hpp"

#include <memory>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

struct result_args {
  std::string id;
  wait_option wait;
  bool traceback = false, forget = false, json = false;
};

std::string as_text(task_status const& status, bool with_traceback) {
  auto out = "state:   " + status.state + "\n";
  if (status.state == "PENDING") out += "         nothing is known: not begun, never sent, or expired\n";
  if (auto const why = status.failure()) {
    out += "error:   " + why->detail + "\n";
  } else if (status.ready() || !status.result.is_null()) {
    out += "result:  " + json_line(status.result);
  }
  if (!status.date_done.empty()) out += "done:    " + status.date_done + "\n";
  if (with_traceback && !status.traceback.empty()) out += "\n" + status.traceback + "\n";
  return out;
}

std::string as_json(task_status const& status, bool with_traceback) {
  value::map out{{"id", status.id.str()},
                 {"state", status.state},
                 {"result", status.result},
                 {"date_done", status.date_done.empty() ? value{} : value{status.date_done}}};
  if (with_traceback) out.push_back({"traceback", status.traceback.empty() ? value{} : value{status.traceback}});
  return json_line(value{std::move(out)});
}

int run_result(session const& s, result_args const& a) {
  auto const until = a.wait.given() ? std::optional{a.wait.until()} : std::nullopt;
  auto on = s.open();
  auto const handle = on.result(task_id{a.id});
  if (until) (void)handle.wait(*until);
  auto const status = handle.status();
  print(a.json ? as_json(status, a.traceback) : as_text(status, a.traceback));
  if (a.forget) handle.forget();
  return exit_code_of(status);
}

constexpr char const* result_footer = R"(Examples:
  lovage result 5f0c...                     state and result
  lovage result 5f0c... --wait 30 --json    as JSON, waiting half a minute at most
  lovage result 5f0c... --traceback         where a failed task failed
  lovage result 5f0c... --forget            removes it from the store afterwards

Exit codes: 0 succeeded, 1 failed or revoked, 2 wrong usage, 3 not ready or unknown.)";

}  // namespace

void add_result(CLI::App& root, session& s) {
  auto const a = std::make_shared<result_args>();
  auto* c = root.add_subcommand("result", "Show the state and the result of a task");
  c->add_option("ID", a->id, "Id of the task, as 'lovage call' printed it")->required()->type_name("");
  a->wait.add_to(*c, "Wait until it is done, for ever or this long");
  c->add_flag("--traceback", a->traceback, "Show the traceback too");
  c->add_flag("--forget", a->forget, "Remove the result after showing it");
  c->add_flag("--json", a->json, "As one line of JSON");
  c->footer(result_footer);
  c->callback([a, &s] { s.action = [a, &s] { return run_result(s, *a); }; });
}

}  // namespace lovage::cli
