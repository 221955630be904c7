// lovage multi
#include "cli/commands.hpp"
#include "cli/multi_plan.hpp"
#include "cli/service.hpp"
#include "config/config_access.hpp"
#include "core/ids.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto look_again = 100ms;
constexpr auto start_limit = 10s;

std::vector<std::string> command_of(multi_node const& n) {
  std::vector<std::string> out{"lovage", "worker", "--detach", "-n", n.name, "--pidfile=" + n.pidfile};
  out.push_back("--logfile=" + n.logfile);
  out.insert(out.end(), n.options.begin(), n.options.end());
  return out;
}

std::string line_of(std::vector<std::string> const& words) {
  std::string out;
  for (auto const& w : words) out += (out.empty() ? "" : " ") + w;
  return out;
}

// Runs the worker's command, which ends as soon as the worker is in the background; its exit code.
int run(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  ::pid_t pid = 0;
  int status = 0;
  if (auto const failed = ::posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, argv.data(), environ); failed != 0)
    throw error{errc::internal, std::string{"cannot start a worker: "} + std::strerror(failed)};
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : exit_failed;
}

bool appears(multi_node const& n) {
  for (auto waited = 0ms; waited < start_limit; waited += look_again) {
    if (living_process(n.pidfile) != 0) return true;
    std::this_thread::sleep_for(look_again);
  }
  return false;
}

bool start(multi_node const& n) {
  std::printf("\t> %s: ", n.name.c_str());
  std::fflush(stdout);
  if (auto const pid = living_process(n.pidfile); pid != 0) {
    std::printf("runs already (%d)\n", pid);
    return true;
  }
  for (auto const& file : {n.pidfile, n.logfile}) {
    std::error_code ignored;
    auto const directory = std::filesystem::path{file}.parent_path();
    if (!directory.empty()) std::filesystem::create_directories(directory, ignored);
  }
  bool const good = run(command_of(n)) == exit_ok && appears(n);
  std::puts(good ? "OK" : ("FAILED, see " + n.logfile).c_str());
  return good;
}

bool tell(multi_node const& n, int signal) {
  auto const pid = living_process(n.pidfile);
  if (pid == 0) return std::printf("\t> %s: DOWN\n", n.name.c_str()), false;
  bool const good = ::kill(pid, signal) == 0;
  std::printf("\t> %s: %s -> %d%s\n", n.name.c_str(), ::sigabbrev_np(signal), pid, good ? "" : " FAILED");
  return good;
}

void wait_for(std::vector<multi_node> const& nodes) {
  auto const lives = [](multi_node const& n) { return living_process(n.pidfile) != 0; };
  for (auto left = std::count_if(nodes.begin(), nodes.end(), lives); left > 0;) {
    std::this_thread::sleep_for(look_again);
    auto const now = std::count_if(nodes.begin(), nodes.end(), lives);
    if (now != left) std::printf("\t%td node(s) left\n", now);
    left = now;
  }
}

int start_all(std::vector<multi_node> const& nodes) {
  std::puts("Starting nodes...");
  bool good = true;
  for (auto const& n : nodes) good = start(n) && good;
  return good ? exit_ok : exit_failed;
}

int stop_all(std::vector<multi_node> const& nodes, int signal, bool waits) {
  std::puts("Stopping nodes...");
  for (auto const& n : nodes) (void)tell(n, signal);
  if (waits) wait_for(nodes);
  return exit_ok;
}

int show(std::vector<multi_node> const& nodes, bool names_only) {
  for (auto const& n : nodes) std::puts((names_only ? n.name : line_of(command_of(n))).c_str());
  return exit_ok;
}

int perform(std::string const& action, std::vector<std::string> const& words) {
  auto const state = state_directory(process_environment()) + "/multi";
  auto const nodes = plan_nodes(words, host_name(), state);
  if (action == "start") return start_all(nodes);
  if (action == "stop") return stop_all(nodes, SIGTERM, false);
  if (action == "stopwait") return stop_all(nodes, SIGTERM, true);
  if (action == "kill") return stop_all(nodes, SIGKILL, false);
  if (action == "reload") return stop_all(nodes, SIGHUP, false);
  if (action == "restart") return stop_all(nodes, SIGTERM, true), start_all(nodes);
  return show(nodes, action == "names");
}

constexpr char const* multi_footer = R"(Actions: start, stop, stopwait, restart, reload, kill, show, names

Examples:
  lovage multi start 3 -A ./libtasks.so -c 4               celery1, celery2 and celery3, four tasks at once each
  lovage multi start w1 w2 -A ./libtasks.so -Q:w1 images   two nodes, one of them for a queue of its own
  lovage multi restart w1 w2 -A ./libtasks.so              waits until they have finished what runs, then starts them
  lovage multi stopwait w1 w2
  lovage multi show 3 -A ./libtasks.so                     the commands it would run

Options are those of 'lovage worker': -c 4 or --concurrency=4 for all nodes, -c:w1 4 or -c:1-3,5 4 for some. Say
--pidfile=FILE and --logfile=FILE again when you stop what was started with them; %n in them is the node's name. Under
systemd use packaging/systemd instead.)";

}  // namespace

void add_multi(CLI::App& root, session& s) {
  auto const words = std::make_shared<std::vector<std::string>>();
  auto* c = root.add_subcommand("multi",
                                "Start and stop several workers on this machine: ACTION NODES... [worker's options]");
  c->prefix_command();
  c->footer(multi_footer);
  c->callback([c, words, &s] {
    *words = c->remaining();
    s.action = [words] {
      constexpr std::array actions{"start", "stop", "stopwait", "restart", "reload", "kill", "show", "names"};
      if (words->empty())
        throw usage_error{"say what to do: start, stop, stopwait, restart, reload, kill, show, names"};
      auto const action = words->front();
      if (std::find(actions.begin(), actions.end(), action) == actions.end())
        throw usage_error{"no action '" + action +
                          "'; there are start, stop, stopwait, restart, reload, kill, show, names"};
      words->erase(words->begin());
      return perform(action, *words);
    };
  });
}

}  // namespace lovage::cli
