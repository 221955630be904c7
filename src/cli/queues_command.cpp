// lovage queues: depths, the dead set, purging.
#include "cli/commands.hpp"
#include "cli/dead_text.hpp"
#include "cli/print.hpp"
#include "cli/text_table.hpp"

#include "app/app_state.hpp"
#include "broker/postgres/postgres_transport.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

struct queues_args {
  std::string queue;
  std::vector<std::uint64_t> ids;
  std::uint64_t id = 0;
  std::size_t limit = 100;
  bool json = false, all = false, force = false;
};

using broker::inspector;

/// The app lives as long as its inspector is used.
struct opened {
  app on;
  std::unique_ptr<inspector> look;
  broker::traits able;
};

opened open(session const& s, bool dead_set) {
  opened out{s.open(), nullptr, {}};
  auto const until = out.on.state()->operation_deadline();
  auto transport = out.on.state()->transport(until).value();
  out.able = transport->abilities();
  if (dead_set && !out.able.dead_set) throw error{errc::not_supported, "this broker keeps no dead set", "broker_url"};
  out.look = transport->make_inspector(until).value();
  return out;
}

// A count that the broker does not tell is null, and a dash for people.
value count(std::uint64_t n, bool known) { return known ? value{n} : value{}; }

using names = std::vector<queue_name>;

bool is_in(names const& all, queue_name const& queue) { return std::find(all.begin(), all.end(), queue) != all.end(); }

value as_value(broker::queue_info const& q, broker::traits const& able, names const& paused) {
  return value::map{{"name", q.name.str()},
                    {"paused", is_in(paused, q.name)},
                    {"ready", q.ready},
                    {"delayed", count(q.delayed, able.counts_delayed)},
                    {"claimed", count(q.claimed, able.counts_claimed)},
                    {"dead", count(q.dead, able.dead_set)}};
}

text_row as_row(broker::queue_info const& q, broker::traits const& able, names const& paused) {
  auto const cell = [](std::uint64_t n, bool known) { return known ? std::to_string(n) : std::string{"-"}; };
  return {q.name.str() + (is_in(paused, q.name) ? " (paused)" : ""), std::to_string(q.ready),
          cell(q.delayed, able.counts_delayed), cell(q.claimed, able.counts_claimed), cell(q.dead, able.dead_set)};
}

int run_list(session const& s, queues_args const& a) {
  auto const with = open(s, false);
  auto const queues = with.look->queues().value();
  auto const paused = with.look->paused().value_or(names{});  // a server that cannot pause has paused nothing
  if (a.json) {
    value::list out;
    for (auto const& q : queues) out.push_back(as_value(q, with.able, paused));
    print(json_line(value{std::move(out)}));
    return exit_ok;
  }
  std::vector<text_row> rows;
  for (auto const& q : queues) rows.push_back(as_row(q, with.able, paused));
  print(rows.empty() ? "no queues yet\n"
                     : format_table({"QUEUE", "READY", "DELAYED", "CLAIMED", "DEAD"}, rows, "lrrrr"));
  return exit_ok;
}

int run_dead(session const& s, queues_args const& a) {
  auto const dead = open(s, true).look->dead(queue_name{a.queue}, a.limit).value();
  if (a.json) {
    value::list out;
    for (auto const& d : dead) out.push_back(dead_value(d));
    print(json_line(value{std::move(out)}));
    return exit_ok;
  }
  std::vector<text_row> rows;
  for (auto const& d : dead)
    rows.push_back({std::to_string(d.id), task_of(d.envelope), d.queue.str(), std::to_string(d.attempts),
                    moment_text(d.died_at), one_line(d.reason)});
  print(rows.empty() ? "no dead messages\n"
                     : format_table({"ID", "TASK", "QUEUE", "ATTEMPTS", "DIED", "REASON"}, rows, "rllrll"));
  return exit_ok;
}

int run_show(session const& s, queues_args const& a) {
  auto const dead = open(s, true).look->dead_one(a.id).value();
  if (!dead) throw error{errc::invalid_argument, "no dead message " + std::to_string(a.id) + "; see 'queues dead'"};
  print(a.json ? json_line(dead_value(*dead)) : dead_text(*dead));
  return exit_ok;
}

// Everything is moved or removed only when that was said, by a queue, by ids or by --all.
void need_choice(queues_args const& a) {
  if (a.queue.empty() && a.ids.empty() && !a.all)
    throw usage_error{"which dead messages? Name a queue, or --id N, or --all"};
}

int run_redrive(session const& s, queues_args const& a) {
  need_choice(a);
  auto const n = open(s, true).look->redrive(queue_name{a.queue}, a.ids).value();
  print(std::to_string(n) + (n == 1 ? " message is" : " messages are") + " back in the queue\n");
  return n == 0 && !a.ids.empty() ? exit_failed : exit_ok;
}

bool confirmed(queues_args const& a, std::string const& what) {
  if (a.force) return true;
  if (::isatty(STDIN_FILENO) == 0) throw usage_error{"this removes " + what + " for good; say so with --force"};
  std::cerr << "Remove " << what << " for good? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

int removed(std::uint64_t n) {
  print(std::to_string(n) + (n == 1 ? " message" : " messages") + " removed\n");
  return exit_ok;
}

int run_pause(session const& s, queues_args const& a) {
  open(s, false).look->pause(queue_name{a.queue}).value();
  print("no worker takes from queue '" + a.queue + "' until 'lovage queues resume " + a.queue + "'\n");
  return exit_ok;
}

int run_resume(session const& s, queues_args const& a) {
  open(s, false).look->resume(queue_name{a.queue}).value();
  print("workers take from queue '" + a.queue + "'\n");
  return exit_ok;
}

int run_purge(session const& s, queues_args const& a) {
  if (!confirmed(a, "the waiting messages of queue '" + a.queue + "'")) return exit_failed;
  return removed(open(s, false).look->purge(queue_name{a.queue}).value());
}

int run_purge_dead(session const& s, queues_args const& a) {
  need_choice(a);
  auto const what = a.ids.empty() ? "the dead messages" + (a.queue.empty() ? " of all queues" : " of '" + a.queue + "'")
                                  : std::to_string(a.ids.size()) + " dead message(s)";
  if (!confirmed(a, what)) return exit_failed;
  return removed(open(s, true).look->purge_dead(queue_name{a.queue}, a.ids).value());
}

int run_schema(session const&, queues_args const&) {
  print(broker::postgres_schema_script());
  return exit_ok;
}

using run_function = int (*)(session const&, queues_args const&);

struct adder {
  CLI::App& queues;
  session& s;
  std::shared_ptr<queues_args> a;

  CLI::App& command(char const* name, char const* text, run_function run) const {
    auto* c = queues.add_subcommand(name, text);
    c->callback([this_ = *this, run] { this_.set(run); });
    return *c;
  }
  void set(run_function run) const {
    s.action = [&on = s, args = a, run] { return run(on, *args); };
  }
  void queue(CLI::App& c, bool required = false) const {
    c.add_option("QUEUE", a->queue, required ? "Name of the queue" : "Only this queue (default: all)")
        ->required(required)
        ->type_name("");
  }
  void ids(CLI::App& c) const {
    c.add_option("--id", a->ids, "Only these, as 'queues dead' numbers them")->type_name("N...")->delimiter(',');
    c.add_flag("--all", a->all, "All of every queue");
  }
  void json(CLI::App& c) const { c.add_flag("--json", a->json, "As one line of JSON"); }
  void force(CLI::App& c) const { c.add_flag("-f,--force", a->force, "Do not ask"); }
};

void add_dead_commands(adder const& add) {
  auto& dead = add.command("dead", "List the dead set: messages that failed too often or cannot be read", run_dead);
  add.queue(dead);
  dead.add_option("--limit", add.a->limit, "Show this many, oldest first (default: 100)")->type_name("N");
  add.json(dead);
  auto& show = add.command("show", "Show one dead message: headers, arguments, reason", run_show);
  show.add_option("ID", add.a->id, "Number of the message, from 'queues dead'")->required()->type_name("");
  add.json(show);
  auto& redrive =
      add.command("redrive", "Put dead messages back into their queue, with no attempts counted", run_redrive);
  add.queue(redrive);
  add.ids(redrive);
  auto& purge_dead = add.command("purge-dead", "Remove dead messages for good", run_purge_dead);
  add.queue(purge_dead);
  add.ids(purge_dead);
  add.force(purge_dead);
}

constexpr char const* queues_footer = R"(Examples:
  lovage queues                           how many messages wait, run and are dead in each queue
  lovage queues dead celery               what died there, and why
  lovage queues show 17                   one of them in full
  lovage queues redrive --id 17 18        back to their queue, or: redrive celery, redrive --all
  lovage queues purge celery --force      removes what waits; claimed messages stay
  lovage queues purge-dead --all --force
  lovage queues pause celery              every worker leaves it alone, until: resume celery
  lovage queues schema | psql shop        makes PostgreSQL's tables, where workers may not

A dash stands for a count that the broker does not tell (null in JSON).
Exit codes: 0 done, 1 failed or declined, 2 wrong usage.)";

}  // namespace

void add_queues(CLI::App& root, session& s) {
  auto* c = root.add_subcommand("queues", "Show queues and the dead set; mend them");
  adder const add{*c, s, std::make_shared<queues_args>()};
  c->require_subcommand(0, 1);
  add.json(*c);
  add.json(add.command("list", "Depths of all queues (the default)", run_list));
  add_dead_commands(add);
  auto& purge = add.command("purge", "Remove a queue's waiting and delayed messages", run_purge);
  add.queue(purge, true);
  add.force(purge);
  auto& pause = add.command("pause", "Let a queue rest: no worker takes from it, what runs goes on", run_pause);
  add.queue(pause, true);
  auto& resume = add.command("resume", "Let workers take from a paused queue again", run_resume);
  add.queue(resume, true);
  add.command("schema", "Print the SQL of the PostgreSQL broker's tables and functions", run_schema);
  c->footer(queues_footer);
  c->callback([add, c] {
    if (c->get_subcommands().empty()) add.set(run_list);
  });
}

}  // namespace lovage::cli
