// lovage worker
#include "cli/commands.hpp"
#include "cli/log_setup.hpp"

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
  std::string concurrency, pool, prefetch_multiplier, autoscale;
  std::string time_limit, soft_time_limit, max_tasks_per_child, max_memory_per_child;
  std::string hostname = "celery@%h", loglevel = "warning", logfile, log_format = "text";
};

log_options log_options_of(session const& s, worker_args const& a) {
  log_options out;
  out.least = level_of(a.loglevel);
  out.file = a.logfile;
  out.json = a.log_format == "json";
  out.color = !s.given.no_color && !out.json && ::isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  return out;
}

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

// With the prefork pool this runs a second time, in the fork server, up to `run`: no threads, nothing printed there.
int run_worker(session const& s, worker_args const& a) {
  set_up_log(log_options_of(s, a));
  auto settings = s.settings();
  if (!a.pool.empty()) settings.set("worker_pool", a.pool, "option");
  if (!a.concurrency.empty()) settings.set("worker_concurrency", a.concurrency, "option");
  if (!a.prefetch_multiplier.empty()) settings.set("worker_prefetch_multiplier", a.prefetch_multiplier, "option");
  if (!a.time_limit.empty()) settings.set("task_time_limit", a.time_limit, "option");
  if (!a.soft_time_limit.empty()) settings.set("task_soft_time_limit", a.soft_time_limit, "option");
  if (!a.max_tasks_per_child.empty()) settings.set("worker_max_tasks_per_child", a.max_tasks_per_child, "option");
  if (!a.max_memory_per_child.empty()) settings.set("worker_max_memory_per_child", a.max_memory_per_child, "option");
  for (auto const& assignment : s.tail) settings.set_option(assignment);
  auto on = s.open(std::move(settings));
  worker_options options;
  options.hostname(a.hostname).queues(a.queues).banner(!s.given.quiet && !in_fork_server());
  if (!a.autoscale.empty()) set_autoscale(options, a.autoscale);
  return worker{on, std::move(options)}.run();
}

constexpr char const* worker_footer = R"(Examples:
  lovage worker -A ./libtasks.so                        the default queue, as many children as cores
  lovage worker -A ./libtasks.so -Q high,celery -c 8    two queues, eight tasks at once
  lovage worker -A ./libtasks.so -P threads -l info     threads instead of processes; log each task
  lovage worker -A ./libtasks.so -f worker.log --log-format json -- task_acks_late=no result_expires=1h

What stands behind "--" overrides settings of any name; 'lovage report --all' lists them.
TERM or one INT (ctrl-C): finishes what runs, then ends. QUIT or a second INT: gives back what runs and ends.
Exit codes: 0 stopped by TERM, 1 stopped otherwise or could not start, 2 wrong usage.)";

}  // namespace

void add_worker(CLI::App& root, session& s) {
  auto const a = std::make_shared<worker_args>();
  auto* c = root.add_subcommand("worker", "Run tasks: take them from queues, store their results");
  c->add_option("-Q,--queues", a->queues, "Queues to take from (default: all of setting task_queues)")
      ->type_name("A,B")
      ->delimiter(',')
      ->allow_extra_args(false);
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
  c->add_option("-l,--loglevel", a->loglevel, "debug, info, warning (default), error or critical")->type_name("LEVEL");
  c->add_option("--prefetch-multiplier", a->prefetch_multiplier, "Messages reserved per task at once (default: 4)")
      ->type_name("N");
  c->add_option("-f,--logfile", a->logfile, "Append the log to this file; opened anew when it was moved away")
      ->type_name("FILE");
  c->add_option("--log-format", a->log_format, "text (default) or json, one object a line")
      ->type_name("KIND")
      ->check(CLI::IsMember({"text", "json"}).description(""));
  c->footer(worker_footer);
  c->callback([a, &s] { s.action = [a, &s] { return run_worker(s, *a); }; });
}

}  // namespace lovage::cli
