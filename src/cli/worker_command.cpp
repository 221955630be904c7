// lovage worker
#include "cli/commands.hpp"
#include "cli/log_setup.hpp"

#include <lovage/worker.hpp>

#include <unistd.h>

#include <cstdlib>
#include <memory>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

struct worker_args {
  std::vector<std::string> queues;
  std::string concurrency, pool, prefetch_multiplier, queue_order, state_db;
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

// With the prefork pool this runs a second time, in the fork server, up to `run`: no threads, nothing printed there.
int run_worker(session const& s, worker_args const& a) {
  set_up_log(log_options_of(s, a));
  auto settings = s.settings();
  if (!a.pool.empty()) settings.set("worker_pool", a.pool, "option");
  if (!a.concurrency.empty()) settings.set("worker_concurrency", a.concurrency, "option");
  if (!a.prefetch_multiplier.empty()) settings.set("worker_prefetch_multiplier", a.prefetch_multiplier, "option");
  for (auto const& assignment : s.tail) settings.set_option(assignment);
  if (!a.state_db.empty()) settings.set("worker_state_db", a.state_db, "option");
  auto on = s.open(std::move(settings));
  worker_options options;
  options.hostname(a.hostname).queues(a.queues).banner(!s.given.quiet && !in_fork_server());
  if (!a.queue_order.empty()) options.queue_order(a.queue_order);
  return worker{on, std::move(options)}.run();
}

constexpr char const* worker_footer = R"(Examples:
  lovage worker -A ./libtasks.so                        the default queue, as many children as cores
  lovage worker -A ./libtasks.so -Q high,celery -c 8    two queues, eight tasks at once
  lovage worker -A ./libtasks.so -Q high,low --queue-order strict
                                                        low only while high has nothing
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
  c->add_option("--queue-order", a->queue_order,
                "fair (default): in turn; strict: the first to its end; weighted: by -Q high:10,low:1")
      ->type_name("ORDER")
      ->check(CLI::IsMember({"fair", "strict", "weighted"}).description(""));
  c->add_option("-S,--statedb", a->state_db, "File that keeps what was revoked over a restart")->type_name("FILE");
  c->add_option("-c,--concurrency", a->concurrency, "Tasks at once (default: as many as cores)")->type_name("N");
  c->add_option("-P,--pool", a->pool, "How tasks run: prefork (default), threads, solo, processes (same as prefork)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"prefork", "threads", "solo", "processes"}).description(""));
  c->add_option("-n,--hostname", a->hostname,
                "Node name; %h host, %n its first label, %d its domain (default: celery@%h)")
      ->type_name("NAME");
  c->add_option("-l,--loglevel", a->loglevel, "debug, info, warning (default), error or critical")->type_name("LEVEL");
  c->add_option("--prefetch-multiplier", a->prefetch_multiplier,
                "Messages reserved per task at once (default: 4); auto: by how long they run")
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
