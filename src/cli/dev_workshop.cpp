#include "cli/dev_workshop.hpp"

#include "cli/session.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>

namespace lovage::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto quiet_before_build = 150ms;  // an editor that saves all files, a version control that changes many

class workshop {
 public:
  explicit workshop(dev_plan plan)
      : plan_{std::move(plan)},
        own_{"dev", plan_.color ? 35 : 0},
        watch_{watch_of(plan_.project)},
        builder_{loop_, "build", plan_.color ? 34 : 0, write},
        crew_{loop_, [this](std::string const& text) { say(text); }, plan_.color} {
    for (auto const& p : plan_.programs) crew_.add(p.name, p.color);
  }

  int run() {
    signals_ = loop_.signals({SIGINT, SIGTERM, SIGHUP}, [this](int) { told_to_end(); });
    changes_ = loop_.watch(watch_.fd(), io::interest::readable, [this] { changed(); });
    begin_build();
    loop_.run();
    say("ended");
    return exit_ok;
  }

 private:
  static source_watch watch_of(dev_project const& p);
  static void write(std::string const& lines) {
    std::fputs(lines.c_str(), stdout);
    std::fflush(stdout);
  }
  void say(std::string const& text) { write(own_.add(text + "\n")); }
  void told_to_end();
  void changed();
  void begin_build();
  void run_step(std::size_t at);
  void built();
  void checked(std::string const& look, io::ending how);
  /// Once more when something changed meanwhile.
  void rest_of_build();

  dev_plan const plan_;
  named_lines own_;
  io::loop loop_;
  source_watch watch_;
  dev_child builder_;
  dev_crew crew_;
  io::subscription signals_, changes_, soon_;
  std::vector<std::vector<std::string>> steps_;
  std::vector<std::filesystem::path> plugins_;
  std::string look_;    ///< of what the programs were started with
  bool stale_ = false;  ///< something changed during the build
};

source_watch workshop::watch_of(dev_project const& p) {
  std::set<std::filesystem::path> leave_out;
  if (p.build_folder != p.root) leave_out.insert(p.build_folder);
  auto out = source_watch::open(p.has_sources ? p.root : std::filesystem::path{}, std::move(leave_out)).value();
  for (auto const& a : p.apps) out.also(a).value();
  if (!p.has_sources) out.also(p.root / "lovage.toml").value();
  return out;
}

void workshop::told_to_end() {
  if (crew_.ending()) return crew_.sharper();
  say("ends: first what is running; ctrl-C again gives it back to its queue");
  soon_.cancel();
  changes_.cancel();
  if (builder_.running()) builder_.signal_group(SIGTERM);
  crew_.end([this] { loop_.stop(); });
}

void workshop::changed() {
  if (watch_.take().empty() || crew_.ending()) return;
  stale_ = true;
  if (!builder_.running()) soon_ = loop_.after(quiet_before_build, [this] { begin_build(); });
}

void workshop::begin_build() {
  stale_ = false;
  steps_ = plan_.project.build_steps();
  run_step(0);
}

void workshop::run_step(std::size_t at) {
  if (at == steps_.size()) return built();
  auto const up = builder_.start(steps_[at], [this, at](io::ending how) {
    if (crew_.ending()) return;
    if (how.clean()) return run_step(at + 1);
    say("the build failed (" + how.text() + "); " +
        (look_.empty() ? "mend it and save" : "what runs goes on as it is, until you mend it and save"));
    rest_of_build();
  });
  if (!up) say(up.error().text());
}

void workshop::built() {
  plugins_ = plan_.project.plugins();
  if (plugins_.empty()) {
    say("the build made no plug-in below " + plan_.project.build_folder.string() +
        "; say lovage_add_plugin(tasks tasks.cpp) in CMakeLists.txt, or name it with -A");
    return rest_of_build();
  }
  auto files = plugins_;
  files.push_back(plan_.project.root / "lovage.toml");
  auto const look = look_of(files);
  if (look == look_) return rest_of_build();
  std::vector<std::string> words{plan_.lovage, "tasks", "-q"};
  for (auto const& p : plugins_) words.insert(words.end(), {"-A", p.string()});
  auto const up = builder_.start(std::move(words), [this, look](io::ending how) { checked(look, how); });
  if (!up) say(up.error().text());
}

void workshop::checked(std::string const& look, io::ending how) {
  if (crew_.ending()) return;
  if (!how.clean()) {
    say(std::string{"the plug-ins cannot be loaded; "} + (look_.empty() ? "mend it and save" : "what runs goes on"));
    return rest_of_build();
  }
  if (look_.empty())
    for (auto const& line : plan_.welcome) say(line);
  else
    say("changed: programs start anew");
  look_ = look;
  std::vector<std::vector<std::string>> words;
  for (auto const& p : plan_.programs) words.push_back(p.words(plugins_));
  crew_.restart(std::move(words));
  rest_of_build();
}

void workshop::rest_of_build() {
  if (stale_) soon_ = loop_.after(quiet_before_build, [this] { begin_build(); });
}

}  // namespace

int run_workshop(dev_plan plan) { return workshop{std::move(plan)}.run(); }

}  // namespace lovage::cli
