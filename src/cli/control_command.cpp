// lovage inspect, lovage control, lovage status
#include "cli/commands.hpp"
#include "cli/control_arguments.hpp"
#include "cli/control_text.hpp"
#include "cli/print.hpp"
#include "cli/text_table.hpp"

#include "app/registry.hpp"
#include "app/revoke.hpp"

#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

struct control_args {
  double timeout = 1;
  std::vector<std::string> destination, words;
  bool json = false, list = false;
};

/// What is sent, and how its replies are shown.
struct question {
  std::string command;
  value::map arguments;
  bool show_body = true, counts_nodes = true, as_map = true;
  bool kept = false;  ///< the broker keeps it: it does not matter that nobody replies
};

int nobody_replied() {
  std::fputs("Error: No nodes replied within time constraint\n", stderr);
  return exit_no_nodes;
}

value as_json(std::vector<node_reply> const& replies, bool as_map) {
  value::map by_node;
  value::list in_order;
  for (auto const& r : replies) {
    if (as_map)
      by_node.push_back({r.node, r.payload});
    else
      in_order.push_back(value::map{{r.node, r.payload}});
  }
  return as_map ? value{std::move(by_node)} : value{std::move(in_order)};
}

control_options options_of(control_args const& a) {
  if (!(a.timeout > 0)) throw usage_error{"--timeout is a number of seconds above zero"};
  return control_options{}.destination(a.destination).timeout(std::chrono::duration<double>{a.timeout});
}

int ask(session const& s, app const& on, control_args const& a, question q) {
  auto control = on.control(options_of(a));
  auto const tell = [&](node_reply const& r) {
    if (!a.json) print(reply_text(r, q.show_body, s.given.quiet));
  };
  auto const replies = control.broadcast(std::move(q.command), std::move(q.arguments), tell);
  if (replies.empty() && !q.kept) return nobody_replied();
  if (replies.empty() && !a.json) std::fputs("No worker replied. The broker tells those that come.\n", stderr);
  if (a.json) print(json_line(as_json(replies, q.as_map)));
  if (q.counts_nodes && !a.json && !s.given.quiet) print(online_text(replies.size()));
  return exit_ok;
}

int run_command(session const& s, control_args const& a, control_command const& c) {
  auto arguments = control_arguments(c, a.words);
  auto const on = s.open();
  // Nobody answers it: that is no failure.
  if (c.name == "shutdown") return on.control(options_of(a)).cast("shutdown", std::move(arguments)), exit_ok;
  bool const kept = a.destination.empty() && detail::is_revocation(c.name);
  return ask(s, on, a, {std::string{c.name}, std::move(arguments), true, c.inspects, c.inspects, kept});
}

int run_status(session const& s, control_args const& a) {
  auto const on = s.open();
  return ask(s, on, a, {"ping", {}, false, true, true});
}

int show_list(bool inspects) {
  std::vector<text_row> rows;
  for (auto const& c : control_commands())
    if (c.inspects == inspects) rows.push_back({std::string{c.name} + (*c.signature ? " " : "") + c.signature, c.help});
  print(format_table({inspects ? "Inspect Commands" : "Control Commands", ""}, rows, "ll"));
  return exit_ok;
}

// One that lovage does not know: a plug-in's, which -A named.
int run_own(session const& s, control_args const& a, bool inspects) {
  if (a.list) return show_list(inspects);
  if (a.words.empty())
    throw usage_error{std::string{"which command? See 'lovage "} + (inspects ? "inspect" : "control") + " --list'"};
  auto on = s.open();
  if (on.tasks().internals().find_command(a.words.front()) == nullptr) {
    std::string names;
    for (auto const& c : control_commands())
      if (c.inspects == inspects) names += (names.empty() ? "" : ", ") + std::string{c.name};
    throw usage_error{"Command " + a.words.front() + " not recognized. Available " +
                      (inspects ? "inspect" : "control") + " commands: " + names};
  }
  auto arguments = own_arguments({a.words.begin() + 1, a.words.end()});
  return ask(s, on, a, {a.words.front(), std::move(arguments), true, inspects, inspects});
}

void add_options(CLI::App& c, control_args& a) {
  c.add_option("-t,--timeout", a.timeout, "Wait this long for replies (default: 1)")->type_name("SECONDS");
  c.add_option("-d,--destination", a.destination, "Ask these workers only, by node name (default: all)")
      ->type_name("A,B")
      ->delimiter(',')
      ->allow_extra_args(false);
  c.add_flag("-j,--json", a.json, "As one line of JSON");
}

void add_family(CLI::App& root, session& s, bool inspects, char const* text, char const* footer) {
  auto const a = std::make_shared<control_args>();
  auto* family = root.add_subcommand(inspects ? "inspect" : "control", text);
  add_options(*family, *a);
  family->add_flag("--list", a->list, "List the commands and their arguments");
  family->require_subcommand(0, 1);
  family->allow_extras();
  family->footer(footer);
  family->callback([a, family, inspects, &s] {
    if (!family->get_subcommands().empty()) return;
    a->words = family->remaining();
    s.action = [a, inspects, &s] { return run_own(s, *a, inspects); };
  });
  for (auto const& c : control_commands()) {
    if (c.inspects != inspects) continue;
    auto* one = family->add_subcommand(std::string{c.name}, c.help);
    add_options(*one, *a);
    one->allow_extras();
    one->footer(*c.signature ? "Arguments: " + std::string{c.signature} : std::string{"It takes no arguments."});
    one->callback([a, one, &c, &s] {
      a->words = one->remaining();
      s.action = [a, &c, &s] { return run_command(s, *a, c); };
    });
  }
}

constexpr char const* inspect_footer = R"(Examples:
  lovage inspect active                        what runs, on every worker
  lovage inspect stats -d celery@web1 --json   one worker's figures
  lovage inspect registered max_retries        tasks, with an attribute
  lovage inspect query_task ID                 where a task is

Workers of Celery answer too. Exit codes: 0 somebody replied, 1 failed, 2 wrong usage, 69 nobody replied in time.)";

constexpr char const* control_footer = R"(Examples:
  lovage control revoke ID                     not to be run any more
  lovage control revoke_by_stamped_headers order=7
  lovage control terminate KILL ID             ended where it runs
  lovage control rate_limit mail.send 10/m
  lovage control add_consumer high -d celery@web1
  lovage control -A ./libtasks.so cache_clear region=eu   a plug-in's own command

What revoke, terminate and revoke_by_stamped_headers say is kept by the broker for workers that come later, unless -d
names some. Workers of Celery obey too. Exit codes: 0 somebody replied (or, of shutdown, it was sent, or it is kept),
1 failed, 2 wrong usage, 69 nobody replied in time.)";

constexpr char const* status_footer = R"(Examples:
  lovage status                  every worker that answers within a second
  lovage status -t 5 --json

Exit codes: 0 somebody replied, 1 failed, 2 wrong usage, 69 nobody replied in time.)";

}  // namespace

void add_inspect(CLI::App& root, session& s) { add_family(root, s, true, "Ask workers what they do", inspect_footer); }

void add_control(CLI::App& root, session& s) { add_family(root, s, false, "Tell workers what to do", control_footer); }

void add_status(CLI::App& root, session& s) {
  auto const a = std::make_shared<control_args>();
  auto* c = root.add_subcommand("status", "List the workers that are online");
  add_options(*c, *a);
  c->footer(status_footer);
  c->callback([a, &s] { s.action = [a, &s] { return run_status(s, *a); }; });
}

}  // namespace lovage::cli
