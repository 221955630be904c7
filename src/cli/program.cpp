#include "cli/program.hpp"

#include "cli/commands.hpp"
#include "cli/help.hpp"
#include "cli/log_setup.hpp"
#include "cli/words.hpp"

#include <lovage/version.hpp>

#include <cstdio>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

// The deepest command that was named.
CLI::App const& named(CLI::App const& root) {
  auto const* at = &root;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return *at;
}

std::string path_of(CLI::App const& c) {
  return c.get_parent() == nullptr ? c.get_name() : path_of(*c.get_parent()) + " " + c.get_name();
}

std::vector<std::string> command_names(CLI::App const& c) {
  std::vector<std::string> out;
  for (auto const* sub : c.get_subcommands([](CLI::App const*) { return true; })) out.push_back(sub->get_name());
  return out;
}

std::vector<std::string> option_names(CLI::App const& c) {
  std::vector<std::string> out;
  for (auto const* o : c.get_options())
    for (auto const& l : o->get_lnames()) out.push_back("--" + l);
  return out;
}

// "lovage: no command 'wroker'; did you mean 'worker'?"
std::string unexpected(CLI::App const& c, std::string const& word) {
  bool const option = word.starts_with('-');
  bool const command = !option && !command_names(c).empty();
  auto const bare = word.substr(0, word.find('='));
  auto const near = nearest(bare, option ? option_names(c) : command ? command_names(c) : std::vector<std::string>{});
  auto out = option ? "no option '" + bare + "'" : command ? "no command '" + word + "'" : "'" + word + "' is too much";
  if (!near.empty()) out += "; did you mean '" + near + "'?";
  return out;
}

std::string one_line_of(std::string text) {
  for (auto& c : text)
    if (c == '\n') c = ' ';
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

int usage(CLI::App const& c, std::string const& text) {
  auto const path = path_of(c);
  std::fprintf(stderr, "%s: %s\nTry '%s --help'.\n", path.c_str(), one_line_of(text).c_str(), path.c_str());
  return exit_usage;
}

// What stands behind "--" is not the parser's: it would take some of it for options of the program.
void parse(CLI::App& root, session& s, int argc, char const* const* argv) {
  std::vector<std::string> words{argv + 1, argv + argc};
  auto const mark = std::find(words.begin(), words.end(), "--");
  if (mark != words.end()) {
    s.tail.assign(mark + 1, words.end());
    words.erase(mark, words.end());
  }
  std::reverse(words.begin(), words.end());
  root.parse(std::move(words));
  auto const& c = named(root);
  std::vector<std::string_view> const with_tail{"worker", "beat", "call", "add", "web", "dev"};
  if (!s.tail.empty() && std::find(with_tail.begin(), with_tail.end(), c.get_name()) == with_tail.end())
    throw usage_error{"nothing is expected behind \"--\""};
}

int parse_and_run(CLI::App& root, session& s, int argc, char const* const* argv) {
  try {
    parse(root, s, argc, argv);
    if (!s.action) {
      std::fputs(root.help().c_str(), stdout);
      return exit_ok;
    }
    set_up_plain_log(s.given.quiet || in_fork_server());
    return s.action();
  } catch (CLI::Success const& e) {  // --help and --version
    return root.exit(e);
  } catch (CLI::ExtrasError const& e) {
    auto const& c = named(root);
    auto const left = c.remaining().empty() ? root.remaining() : c.remaining();
    return usage(c, left.empty() ? e.what() : unexpected(c.remaining().empty() ? root : c, left.front()));
  } catch (CLI::ParseError const& e) {
    return usage(named(root), e.what());
  } catch (usage_error const& e) {
    return usage(named(root), e.what());
  }
}

constexpr char const* program_footer = R"(First steps:
  lovage dev --init shop                       begin a project; 'lovage dev shop' builds it, runs it and reloads it
  lovage tasks -A ./libtasks.so                what a plug-in can do
  lovage worker -A ./libtasks.so -l info       run its tasks; a store in your state directory needs no server
  lovage call shop.add 2 3 --wait 10           send one and see its result
  lovage schedule add nightly "0 4 * * *" shop.report
  lovage beat                                  send it every night; 'worker -B' does both
  lovage queues                                what waits, what runs, what is dead
  lovage status                                which workers are there; 'inspect' and 'control' talk to them
  lovage top                                   an overview of all of it
  lovage web                                   all of it in a browser: http://127.0.0.1:5555

Settings come from a file (--config, $LOVAGE_CONFIG, ./lovage.toml), from LOVAGE_... in the environment, and from
options, the later over the earlier; 'lovage report' shows the outcome. 'lovage COMMAND --help' tells more.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 result not ready, 69 no worker replied.)";

}  // namespace

void add_globals(CLI::App& on, globals& into) {
  auto const group = "Options of every command";
  on.set_help_flag("-h,--help", "Show this help and exit")->group(group);
  on.add_option_function<std::vector<std::string>>(
        "-A,--app", [&into](auto const& v) { into.apps.insert(into.apps.end(), v.begin(), v.end()); },
        "Load tasks from this plug-in; may come several times")
      ->type_name("FILE.so")
      ->allow_extra_args(false)
      ->group(group);
  on.add_option("-b,--broker", into.broker, "Where messages travel, such as sqlite:///shop.db")
      ->type_name("URL")
      ->group(group);
  on.add_option("--result-backend", into.result_backend, "Where results are kept")->type_name("URL")->group(group);
  on.add_option("--config", into.config, "Read settings from this TOML file")->type_name("FILE")->group(group);
  on.add_flag("-q,--quiet", into.quiet, "No banner, no warnings")->group(group);
  on.add_flag("-C,--no-color", into.no_color, "No colours")->group(group);
}

std::unique_ptr<CLI::App> make_parser(session& s) {
  auto root = std::make_unique<CLI::App>("lovage runs C++ tasks from queues, compatible with Celery.", "lovage");
  root->formatter(make_help_formatter());
  root->require_subcommand(0, 1);
  root->set_version_flag("--version", "lovage " LOVAGE_VERSION, "Show the version and exit");
  for (auto const add :
       {add_worker, add_beat, add_schedule, add_relay, add_call, add_result, add_graph, add_queues, add_events, add_top,
        add_tasks, add_inspect, add_control, add_status, add_report, add_multi, add_web, add_dev, add_completion})
    add(*root, s);
  // On every command by itself instead of the parser's "fallthrough", which takes `lovage call echo result` for two
  // commands.
  std::function<void(CLI::App&)> const everywhere = [&](CLI::App& c) {
    add_globals(c, s.given);
    for (auto* sub : c.get_subcommands([](CLI::App*) { return true; })) everywhere(*sub);
  };
  everywhere(*root);
  root->footer(program_footer);
  return root;
}

int run(int argc, char const* const* argv) noexcept {
  try {
    session s;
    auto const root = make_parser(s);
    return parse_and_run(*root, s, argc, argv);
  } catch (std::exception const& e) {
    std::fprintf(stderr, "lovage: %s\n", e.what());
  } catch (...) {
    std::fputs("lovage: unknown error\n", stderr);
  }
  return exit_failed;
}

}  // namespace lovage::cli
