// lovage dev
#include "cli/commands.hpp"
#include "cli/dev_workshop.hpp"
#include "cli/print.hpp"
#include "config/url.hpp"

#include <unistd.h>

#include <cstdlib>
#include <memory>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

namespace fs = std::filesystem;
using words = std::vector<std::string>;

struct dev_args {
  dev_wishes wishes;
  std::string init;
  int become = 0;
  bool without_beat = false, without_web = false;
};

std::string own_file() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).string();
}

// What every program is told: the options of this one, and the store where no setting names a broker.
words common(session const& s, config const& settings, dev_project const& p) {
  words out;
  if (!s.given.broker.empty())
    out.insert(out.end(), {"-b", s.given.broker});
  else if (!settings.is_set("broker_url"))
    out.insert(out.end(), {"-b", sqlite_url(p.store().string())});
  if (!s.given.result_backend.empty()) out.insert(out.end(), {"--result-backend", s.given.result_backend});
  if (!s.given.config.empty()) out.insert(out.end(), {"--config", s.given.config});
  return out;
}

words joined(words head, words const& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

std::vector<dev_program> programs_of(session const& s, dev_args const& a, config const& settings,
                                     dev_project const& project, words const& shared, bool has_web) {
  auto const file = own_file();
  std::vector<dev_program> out;
  if (!a.without_beat)
    out.push_back({"beat", 33, [=](auto const&) { return joined({file, "beat", "-q", "-l", "info"}, shared); }});
  out.push_back({"worker", 36, [=, tail = s.tail](std::vector<fs::path> const& plugins) {
                   auto w = joined({file, "worker", "-E", "-l", "info"}, shared);
                   for (auto const& p : plugins) w.insert(w.end(), {"-A", p.string()});
                   return joined(std::move(w), tail);
                 }});
  if (has_web && !a.without_web) {
    auto web = joined({file, "web"}, shared);
    if (!settings.is_set("web_history_path"))
      web.insert(web.end(), {"--history", (project.own_folder() / "history.db").string()});
    out.push_back({"web", 32, [web](auto const&) { return web; }});
  }
  return out;
}

std::vector<std::string> welcome(config const& settings, dev_project const& p, words const& shared) {
  bool const told = !shared.empty() && shared.front() == "-b";
  auto const broker = mask_url(told ? shared[1] : settings.broker_url());
  auto const option = told ? " -b " + broker : std::string{};
  std::vector<std::string> out{"broker:  " + broker, "send:    lovage call TASK ARGS... --wait 10" + option,
                               "watch:   lovage top" + option};
  if (p.has_sources) out.push_back("save a source below " + p.root.string() + " and it is built and loaded anew");
  return out;
}

int run_dev(session& s, dev_args& a, bool has_web) {
  if (a.become != 0) return become_dev_child(a.become, s.tail);
  if (!a.init.empty()) {
    auto const place = make_project(a.init);
    print("made a project in " + place.string() + "\nnow: lovage dev " + a.init + "\n");
    return exit_ok;
  }
  a.wishes.apps = s.given.apps;
  dev_plan plan;
  plan.project = find_project(a.wishes);
  if (!s.given.config.empty()) s.given.config = fs::absolute(s.given.config).string();
  fs::current_path(plan.project.root);
  make_own_folder(plan.project);
  plan.lovage = own_file();
  plan.color = !s.given.no_color && ::isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  auto const settings = s.settings();
  auto const shared = common(s, settings, plan.project);
  plan.programs = programs_of(s, a, settings, plan.project, shared, has_web);
  plan.welcome = welcome(settings, plan.project, shared);
  return run_workshop(std::move(plan));
}

constexpr char const* dev_footer = R"(Examples:
  lovage dev --init shop            begin a project: tasks, CMakeLists.txt, settings
  lovage dev shop                   build it and run it; edit shop/tasks.cpp, save, and the new code runs
  lovage dev                        the project in this folder
  lovage dev -A ./libtasks.so       no sources: loaded anew whenever somebody builds it
  lovage dev --build 'make -C lib'  another build than CMake's
  lovage dev shop -- -c 4 -Q high   what stands behind "--" are words for 'lovage worker'

Messages, results and the schedule are kept in .lovage/store.db of the project, unless a setting or -b names a broker.
When a build fails, its errors are shown and what ran goes on. Ctrl-C ends all; what runs is finished first, a second
ctrl-C gives it back to its queue.)";

}  // namespace

void add_dev(CLI::App& root, session& s) {
  auto const a = std::make_shared<dev_args>();
  auto* c = root.add_subcommand("dev", "Work on tasks: build, run and reload them as their sources change");
  c->add_option("folder", a->wishes.folder, "A CMake project (default: this folder)")->type_name("DIR");
  c->add_option("--init", a->init, "Make a small project of this name and end")->type_name("NAME");
  c->add_option("--build", a->wishes.build_command, "Build with this command, run by the shell in the project's folder")
      ->type_name("CMD");
  c->add_option("--build-dir", a->wishes.build_folder,
                "Build there (default: build where that is one already, else .lovage/build)")
      ->type_name("DIR");
  c->add_flag("--without-beat", a->without_beat, "No scheduler of periodic tasks");
  c->add_flag("--without-web", a->without_web, "No dashboard");
  c->add_option("--become", a->become)->group("");  // its own: see become_dev_child
  c->footer(dev_footer);
  c->callback([a, &root, &s] {
    auto const named = root.get_subcommands([](CLI::App*) { return true; });
    bool const has_web = std::any_of(named.begin(), named.end(), [](auto* n) { return n->get_name() == "web"; });
    s.action = [a, &s, has_web] { return run_dev(s, *a, has_web); };
  });
}

}  // namespace lovage::cli
