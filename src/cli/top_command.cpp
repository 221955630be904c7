// lovage top: the overview in a terminal.
#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "cli/top_screen.hpp"
#include "cli/top_sources.hpp"
#include "cli/top_view.hpp"
#include "core/log.hpp"
#include "io/loop.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

using seconds = std::chrono::duration<double>;

struct top_args {
  bool once = false;
  double frequency = 1, listen = 3;
};

constexpr std::size_t width_of_a_script = 120;

bool speaks_unicode() {
  for (auto const* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (auto const* text = std::getenv(name); text != nullptr && *text != '\0') {
      std::string_view const v{text};
      return v.find("UTF-8") != v.npos || v.find("utf8") != v.npos || v.find("UTF8") != v.npos;
    }
  return false;
}

top_view::look look_of_terminal(session const& s) {
  top_view::look out;
  out.color = !s.given.no_color && ::isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  out.unicode = speaks_unicode();
  return out;
}

// Workers say every two seconds that they are there; who has listened for less knows nobody.
int run_once(session const& s, top_args const& a) {
  auto on = s.open();
  top_sources from{on};
  std::this_thread::sleep_for(seconds{a.listen});
  auto how = look_of_terminal(s);
  how.height = 0;
  how.width = ::isatty(STDOUT_FILENO) != 0 ? top_screen::measure().width : width_of_a_script;
  std::string text;
  auto const picture = from.picture();
  for (auto line : top_view{}.lines(picture, how)) {
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  print(text);
  return picture.fault.empty() ? exit_ok : exit_failed;
}

class top_program {
 public:
  top_program(session const& s, top_args const& a) : look_{look_of_terminal(s)}, on_{s.open()}, from_{on_} {
    pause_ = std::chrono::duration_cast<std::chrono::milliseconds>(seconds{a.frequency});
  }

  int run() {
    picture_ = from_.picture();
    auto const ends = loop_.signals({SIGINT, SIGTERM, SIGHUP, SIGQUIT}, [this](int) { loop_.stop(); });
    auto const resized = loop_.signals({SIGWINCH, SIGCONT}, [this](int) { draw(true); });
    auto const stopped = loop_.signals({SIGTSTP}, [this](int) { screen_.suspend(), draw(true); });
    if (::isatty(STDIN_FILENO) != 0)
      keys_ = loop_.watch(STDIN_FILENO, io::interest::readable, [this] { read_input(); });
    draw(true);
    tick();
    loop_.run();
    return exit_ok;
  }

 private:
  void tick() {
    if (!view_.paused()) picture_ = from_.picture(), draw(false);
    tick_ = loop_.after(pause_, [this] { tick(); });
  }
  void draw(bool anew) {
    auto const size = top_screen::measure();
    look_.width = size.width;
    look_.height = size.height;
    screen_.show(view_.lines(picture_, look_), anew);
  }
  void read_input() {
    std::array<char, 256> room{};
    auto const n = ::read(STDIN_FILENO, room.data(), room.size());
    if (n <= 0) return loop_.stop();  // the terminal is gone
    input_.append(room.data(), static_cast<std::size_t>(n));
    for (auto const k : read_keys(input_)) view_.press(k);
    if (view_.quits()) return loop_.stop();
    draw(false);
  }

  top_view::look look_;
  app on_;
  top_sources from_;
  top_view view_;
  top_picture picture_;
  std::chrono::milliseconds pause_{};
  io::loop loop_;
  io::subscription keys_, tick_;
  std::string input_;
  top_screen screen_;  // the last to come: from here on the terminal is not the log's
};

int run_live(session const& s, top_args const& a) {
  lovage::log::set_sink({}, lovage::log::level::critical);  // what is wrong stands in the picture
  return top_program{s, a}.run();
}

constexpr char const* top_footer =
    R"(Keys: q ends, p pauses, s sorts, arrows choose a table and scroll it, ? tells more.

Workers tell of themselves always, and of tasks with 'lovage worker -E' (setting worker_send_task_events). Python's
workers are seen alike.

Examples:
  lovage top                     as long as standard output is a terminal
  lovage top --once              one picture, for scripts; also when standard output is no terminal
  lovage top --once --listen 10  ... of what ten seconds tell
Exit codes: 0 ended, 1 the broker cannot be asked, 2 wrong usage.)";

}  // namespace

void add_top(CLI::App& root, session& s) {
  auto const a = std::make_shared<top_args>();
  auto* c = root.add_subcommand("top", "See throughput, latencies, workers, queues and failures, live");
  c->add_flag("--once", a->once, "Print one picture and end");
  c->add_option("-F,--frequency,--freq", a->frequency, "Seconds between two pictures (default: 1)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.05, 3600.0).description(""));
  c->add_option("--listen", a->listen, "With --once: listen to workers for so long before (default: 3)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 3600.0).description(""));
  c->footer(top_footer);
  c->callback([a, &s] {
    s.action = [a, &s] { return a->once || ::isatty(STDOUT_FILENO) == 0 ? run_once(s, *a) : run_live(s, *a); };
  });
}

}  // namespace lovage::cli
