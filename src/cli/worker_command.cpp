// lovage worker
#include "cli/commands.hpp"
#include "cli/daemon_options.hpp"
#include "cli/reload.hpp"
#include "core/ids.hpp"
#include "worker/node_name.hpp"

#include <lovage/beat.hpp>
#include <lovage/worker.hpp>

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

struct worker_args {
  std::vector<std::string> queues;
  std::string concurrency, pool, prefetch_multiplier, autoscale, queue_order, state_db;
  std::string time_limit, soft_time_limit, max_tasks_per_child, max_memory_per_child;
  std::string hostname = "celery@%h";
  daemon_options daemon;
  beat_settings schedule;
  bool beat = false;
  bool task_events = false, without_heartbeat = false, without_gossip = false, without_mingle = false;
  double heartbeat_interval = 2;
};

// "MAX", "MAX,MIN", "auto", "auto,MAX" or "auto,MAX,MIN".
void set_autoscale(worker_options& options, std::string_view text) {
  bool const automatic = text.starts_with("auto");
  if (automatic) text.remove_prefix(text.starts_with("auto,") ? 5 : 4);
  std::vector<int> numbers;
  auto const* at = text.data();
  auto const* const end = at + text.size();
  while (at != end) {
    int n = 0;
    auto const got = std::from_chars(at, end, n);
    bool const more = got.ptr != end && *got.ptr == ',' && got.ptr + 1 != end;
    if (got.ec != std::errc{} || (got.ptr != end && !more) || numbers.size() == 2)
      throw error{errc::invalid_argument, "--autoscale takes MAX,MIN or auto or auto,MAX,MIN"};
    numbers.push_back(n);
    at = more ? got.ptr + 1 : got.ptr;
  }
  if (numbers.empty()) numbers.push_back(32 * static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  if (numbers.size() == 1) numbers.push_back(automatic ? 1 : 0);
  automatic ? options.autoscale_by_load(numbers[0], numbers[1]) : options.autoscale(numbers[0], numbers[1]);
}

config settings_of(session const& s, worker_args const& a) {
  auto settings = s.settings();
  if (!a.pool.empty()) settings.set("worker_pool", a.pool, "option");
  if (!a.concurrency.empty()) settings.set("worker_concurrency", a.concurrency, "option");
  if (!a.prefetch_multiplier.empty()) settings.set("worker_prefetch_multiplier", a.prefetch_multiplier, "option");
  if (!a.time_limit.empty()) settings.set("task_time_limit", a.time_limit, "option");
  if (!a.soft_time_limit.empty()) settings.set("task_soft_time_limit", a.soft_time_limit, "option");
  if (!a.max_tasks_per_child.empty()) settings.set("worker_max_tasks_per_child", a.max_tasks_per_child, "option");
  if (!a.max_memory_per_child.empty()) settings.set("worker_max_memory_per_child", a.max_memory_per_child, "option");
  for (auto const& assignment : s.tail) settings.set_option(assignment);
  if (!a.state_db.empty()) settings.set("worker_state_db", a.state_db, "option");
  a.schedule.put_into(settings);
  return settings;
}

// On a terminal HUP means that the terminal is gone: a warm shutdown and no more.
bool reloads_on_hangup() { return ::isatty(STDIN_FILENO) == 0; }

// It starts once the worker's own processes have, and ends before what runs is waited for.
void embed(std::optional<beat>& scheduler, app& on) {
  (void)periodic_tasks{on};                                         // what cannot be is told now
  scheduler.emplace(on, beat_options{}.health_port(std::nullopt));  // probes ask the worker
  on.tasks().extend([&scheduler](library& lib) {
    lib.on_worker_ready([&scheduler](auto const&) { scheduler->start(); });
    lib.on_worker_shutdown([&scheduler](auto const&) { scheduler->stop(); });
  });
}

// With the prefork pool this runs a second time, in the fork server, up to `run`: no threads, nothing printed there.
int run_worker(session const& s, worker_args const& a) {
  invocation const self;
  bool const first = !in_fork_server();
  if (first) become(a.daemon.service);
  auto const node = work::expand_node_name(a.hostname, host_name());
  set_up_log(log_options_of(s, a.daemon, node));
  pid_file const mine{first ? expand_file_name(a.daemon.service.pidfile, node) : std::string{}};
  auto on = s.open(settings_of(s, a));
  worker_options options;
  if (a.task_events) options.task_events(true);
  options.heartbeat(!a.without_heartbeat).heartbeat_interval(std::chrono::duration<double>{a.heartbeat_interval});
  options.gossip(!a.without_gossip).mingle(!a.without_mingle);
  options.hostname(a.hostname).queues(a.queues).banner(!s.given.quiet && first);
  options.on_hangup([&] { return !reloads_on_hangup() || self.would_load(s.given.apps); });
  if (!a.autoscale.empty()) set_autoscale(options, a.autoscale);
  if (!a.queue_order.empty()) options.queue_order(a.queue_order);
  std::optional<beat> scheduler;
  if (a.beat && first) embed(scheduler, on);
  if (first) invocation::hold_signals();
  worker w{on, std::move(options)};
  auto const code = w.run();
  if (w.reload_asked() && reloads_on_hangup()) self.again();
  return code;
}

constexpr char const* worker_footer = R"(Examples:
  lovage worker -A ./libtasks.so                        the default queue, as many children as cores
  lovage worker -A ./libtasks.so -Q high,celery -c 8    two queues, eight tasks at once
  lovage worker -A ./libtasks.so -Q high,low --queue-order strict
                                                        low only while high has nothing
  lovage worker -A ./libtasks.so -P threads -l info     threads instead of processes; log each task
  lovage worker -A ./libtasks.so -f worker.log --log-format json -- task_acks_late=no result_expires=1h

What stands behind "--" overrides settings of any name; 'lovage report --all' lists them.
TERM or one INT (ctrl-C): finishes what runs, then ends. QUIT or a second INT: gives back what runs and ends, after
worker_soft_shutdown_timeout. HUP: finishes what runs, then starts anew with the plug-ins that are on disk.
Exit codes: 0 stopped by TERM, 1 stopped otherwise or could not start, 2 wrong usage.)";

void add_beat_options(CLI::App& to, worker_args& into) {
  auto const group = "Periodic tasks";
  to.add_flag("-B,--beat", into.beat, "Be a scheduler, too: as 'lovage beat'; several workers may")->group(group);
  to.add_option("-s,--schedule-filename", into.schedule.file, "With --beat: keep the schedule in this file")
      ->type_name("FILE")
      ->group(group);
  to.add_option("--scheduler", into.schedule.scheduler, "With --beat: django, the entries of django-celery-beat")
      ->type_name("NAME")
      ->group(group);
}

void add_event_options(CLI::App& to, worker_args& into) {
  auto const group = "Among others";
  to.add_flag("-E,--task-events,--events", into.task_events, "Tell monitors what becomes of each task")->group(group);
  to.add_flag("--without-heartbeat", into.without_heartbeat, "Do not tell others that this worker lives")->group(group);
  to.add_option("--heartbeat-interval", into.heartbeat_interval, "Seconds between signs of life (default: 2)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 3600.0).description(""))
      ->group(group);
  to.add_flag("--without-gossip", into.without_gossip, "Do not listen to other workers")->group(group);
  to.add_flag("--without-mingle", into.without_mingle, "Do not ask other workers at the start")->group(group);
}

}  // namespace

void add_worker(CLI::App& root, session& s) {
  auto const a = std::make_shared<worker_args>();
  auto* c = root.add_subcommand("worker", "Run tasks: take them from queues, store their results");
  c->add_option("-Q,--queues", a->queues, "Queues to take from (default: all of setting task_queues)")
      ->type_name("A,B")
      ->delimiter(',')
      ->allow_extra_args(false);
  c->add_option("--queue-order", a->queue_order,
                "fair (default): in turn; strict: the first to its end; weighted: by -Q high:10,low:1")
      ->type_name("ORDER")
      ->check(CLI::IsMember({"fair", "strict", "weighted"}).description(""));
  c->add_option("-S,--statedb", a->state_db, "File that keeps what was revoked over a restart")->type_name("FILE");
  c->add_option("-c,--concurrency", a->concurrency, "Tasks at once (default: as many as cores)")->type_name("N");
  c->add_option("-P,--pool", a->pool,
                "How tasks run: prefork (default; also processes), threads, solo, coroutine (also gevent, eventlet)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"prefork", "threads", "solo", "coroutine", "processes", "gevent", "eventlet"})
                  .description(""));
  c->add_option("--autoscale", a->autoscale,
                "Slots between MAX and MIN, as tasks wait; auto[,MAX[,MIN]]: as many as measurements say that pay")
      ->type_name("MAX,MIN");
  c->add_option("--time-limit", a->time_limit, "Kill a task, and replace its child, after this long")
      ->type_name("SECONDS");
  c->add_option("--soft-time-limit", a->soft_time_limit, "Ask a task to end after this long")->type_name("SECONDS");
  c->add_option("--max-tasks-per-child", a->max_tasks_per_child, "Replace a child after this many tasks")
      ->type_name("N");
  c->add_option("--max-memory-per-child", a->max_memory_per_child,
                "Replace a child that has more resident memory than this after a task")
      ->type_name("KIB");
  c->add_option("-n,--hostname", a->hostname,
                "Node name; %h host, %n its first label, %d its domain (default: celery@%h)")
      ->type_name("NAME");
  c->add_option("--prefetch-multiplier", a->prefetch_multiplier,
                "Messages reserved per task at once (default: 4); auto: by how long they run")
      ->type_name("N");
  add_log_options(*c, a->daemon);
  add_beat_options(*c, *a);
  add_event_options(*c, *a);
  add_service_options(*c, a->daemon.service);
  c->footer(worker_footer);
  c->callback([a, &s] { s.action = [a, &s] { return run_worker(s, *a); }; });
}

}  // namespace lovage::cli
