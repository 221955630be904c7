// lovage events: what workers tell, live.
#include "app/event_receiver.hpp"
#include "cli/commands.hpp"
#include "cli/event_text.hpp"
#include "cli/print.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

using std::chrono::steady_clock;

struct events_args {
  bool dump = false, json = false;
  double frequency = 1;
  std::size_t limit = 0;
};

std::unique_ptr<detail::event_receiver> hear(app& on) {
  return detail::event_receiver::open(*on.state(), "#", on.state()->operation_deadline()).value();
}

double unix_now() { return std::chrono::duration<double>(system_now().time_since_epoch()).count(); }

// One line an event; `limit` of them when that is not zero.
int run_dump(session const& s, events_args const& a) {
  auto on = s.open();
  auto const heard = hear(on);
  if (!a.json) print("-> evdump: starting capture...\n");
  event_dump names;
  for (std::size_t told = 0;;)
    for (auto const& e : heard->take(deadline::never()).value()) {
      print(a.json ? json_line(e.to_value()) : names.line(e, unix_now()) + "\n");
      if (++told == a.limit) return exit_ok;
    }
}

winsize terminal() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {24, 80, 0, 0};
  return size;
}

int run_table(session const& s, events_args const& a) {
  auto on = s.open();
  auto const heard = hear(on);
  event_table seen;
  auto const pause = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::duration<double>{a.frequency});
  for (;;) {
    auto const size = terminal();
    print("\x1b[H\x1b[2J" + seen.text(size.ws_row - 1U, size.ws_col, steady_clock::now()));
    for (auto const until = deadline::in(pause); !until.passed();)
      for (auto const& e : heard->take(until).value()) seen.add(e, steady_clock::now());
  }
}

constexpr char const* events_footer =
    R"(Workers tell of themselves always, and of tasks with 'lovage worker -E' (setting worker_send_task_events). Python's
workers are seen alike.

Examples:
  lovage events                  a live table, as long as standard output is a terminal
  lovage events --dump           one line an event, as 'celery events --dump' has it
  lovage events --json | jq .    one JSON object an event)";

}  // namespace

void add_events(CLI::App& root, session& s) {
  auto const a = std::make_shared<events_args>();
  auto* c = root.add_subcommand("events", "Watch workers and tasks");
  c->add_flag("-d,--dump", a->dump, "One line an event");
  c->add_flag("--json", a->json, "One JSON object an event");
  c->add_option("-F,--frequency,--freq", a->frequency, "Seconds between two pictures (default: 1)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.05, 3600.0).description(""));
  c->add_option("--limit", a->limit, "With --dump or --json: end after so many events")->type_name("N");
  c->footer(events_footer);
  c->callback([a, &s] {
    s.action = [a, &s] {
      bool const lines = a->dump || a->json || ::isatty(STDOUT_FILENO) == 0;
      return lines ? run_dump(s, *a) : run_table(s, *a);
    };
  });
}

}  // namespace lovage::cli
