// lovage beat
#include "cli/commands.hpp"
#include "cli/daemon_options.hpp"
#include "config/url.hpp"
#include "core/ids.hpp"

#include <lovage/beat.hpp>
#include <lovage/version.hpp>

#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

struct beat_args {
  daemon_options daemon;
  beat_settings with;
};

// On standard error, so that a log there stays in one place.
void print_banner(app& on) {
  auto const text = "lovage beat v" LOVAGE_VERSION " is starting.\n . broker -> " +
                    mask_url(on.settings().broker_write_url()) + "\n . store  -> " + periodic_tasks{on}.store() + "\n";
  std::fputs(text.c_str(), stderr);
}

int run_beat(session const& s, beat_args const& a) {
  auto const node = "beat@" + host_name();
  become(a.daemon.service);
  set_up_log(log_options_of(s, a.daemon, node));
  pid_file const mine{expand_file_name(a.daemon.service.pidfile, node)};
  auto settings = s.settings();
  for (auto const& assignment : s.tail) settings.set_option(assignment);
  a.with.put_into(settings);
  auto on = s.open(std::move(settings));
  if (!s.given.quiet) print_banner(on);
  return beat{on}.run();
}

constexpr char const* beat_footer = R"(Examples:
  lovage beat -A ./libtasks.so -l info       entries of lovage.toml and of the store
  lovage beat -b redis://localhost           keeps its schedule there; start it on as many machines as you like
  lovage beat -s /var/lib/shop/beat.db       keeps its schedule in this file
  lovage beat -S django                      the entries of django-celery-beat, from django_database_url
  lovage beat --health-port 8081             answers /healthz, /readyz and /metrics there
  lovage schedule list                       what is periodic, and when it runs next

Several may run at once: one leads, the others take over when it dies. What stands behind "--" overrides settings.
TERM or INT (ctrl-C) ends it.
Exit codes: 0 stopped, 1 could not start, 2 wrong usage.)";

}  // namespace

void beat_settings::put_into(config& settings) const {
  if (!file.empty()) settings.set("beat_store_url", sqlite_url(file), "option");
  if (!scheduler.empty()) settings.set("beat_scheduler", scheduler, "option");
  if (!max_interval.empty()) settings.set("beat_max_loop_interval", max_interval, "option");
  if (!health_port.empty()) settings.set("beat_health_port", health_port, "option");
  if (!health_host.empty()) settings.set("beat_health_host", health_host, "option");
}

void add_beat(CLI::App& root, session& s) {
  auto const a = std::make_shared<beat_args>();
  auto* c = root.add_subcommand("beat", "Send periodic tasks when they are due");
  c->add_option("-s,--schedule,--schedule-filename", a->with.file, "Keep the schedule in this file")->type_name("FILE");
  c->add_option("-S,--scheduler", a->with.scheduler, "django: the entries of django-celery-beat")->type_name("NAME");
  c->add_option("--max-interval", a->with.max_interval,
                "Look for changed entries this often where the store does not tell (default: 2)")
      ->type_name("SECONDS");
  c->add_option("--health-port", a->with.health_port, "Answer probes and Prometheus on this port; 0: any")
      ->type_name("PORT");
  c->add_option("--health-host", a->with.health_host, "Address to listen on for them (default: 127.0.0.1)")
      ->type_name("HOST");
  add_log_options(*c, a->daemon);
  add_service_options(*c, a->daemon.service);
  c->footer(beat_footer);
  c->callback([a, &s] { s.action = [a, &s] { return run_beat(s, *a); }; });
}

}  // namespace lovage::cli
