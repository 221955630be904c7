// lovage schedule: what is periodic, at run time.
#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "cli/schedule_text.hpp"
#include "cli/text_table.hpp"
#include "cli/words.hpp"

#include "app/app_state.hpp"

#include <lovage/beat.hpp>

#include <cctype>
#include <memory>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

struct schedule_args {
  std::string name, when, task, args, kwargs;
  std::vector<std::string> names, words;
  // Of the call.
  std::string options, queue, exchange, routing_key, expires;
  int priority = -1;
  // Of the entry.
  std::string catch_up, grace, overlap, spread, jitter, start, end;
  bool one_off = false, repeat = false, json = false;
};

schedule schedule_in(std::string const& text) {
  auto out = schedule::parse(text);
  if (!out) throw usage_error{out.error().text()};
  return *out;
}

void refuse_options(std::vector<std::string> const& words) {
  for (auto const& w : words)
    if (w.size() > 1 && w[0] == '-' && !std::isdigit(static_cast<unsigned char>(w[1])) && w[1] != '.')
      throw usage_error{"no option '" + w + "'; an argument that begins with a dash stands behind \"--\""};
}

std::optional<value::list> arguments_of(session const& s, schedule_args const& a) {
  refuse_options(a.words);
  auto words = a.words;
  words.insert(words.end(), s.tail.begin(), s.tail.end());
  if (!a.args.empty() && !words.empty())
    throw usage_error{"give the arguments either as words or with --args, not both"};
  if (!a.args.empty()) return list_of_json("--args", a.args);
  if (words.empty()) return std::nullopt;
  value::list out;
  for (auto const& w : words) out.push_back(value_of_word(w));
  return out;
}

// Over those that are there; "none" takes one away.
std::optional<value::map> call_options_of(schedule_args const& a, value::map before) {
  auto const set = [&](char const* key, value v) {
    std::erase_if(before, [&](auto const& item) { return item.key == key; });
    if (v != value{"none"}) before.push_back({key, std::move(v)});
  };
  bool const given = !a.options.empty() || !a.queue.empty() || !a.exchange.empty() || !a.routing_key.empty() ||
                     !a.expires.empty() || a.priority >= 0;
  if (!given) return std::nullopt;
  if (!a.options.empty())
    for (auto& [key, v] : map_of_json("--options", a.options)) set(key.c_str(), v.is_null() ? value{"none"} : v);
  if (!a.queue.empty()) set("queue", a.queue);
  if (!a.exchange.empty()) set("exchange", a.exchange);
  if (!a.routing_key.empty()) set("routing_key", a.routing_key);
  if (a.priority >= 0) set("priority", a.priority);
  if (!a.expires.empty()) set("expires", a.expires == "none" ? value{"none"} : duration_value("--expires", a.expires));
  return before;
}

value::map entry_options_of(schedule_args const& a) {
  value::map out;
  auto const put = [&](char const* key, std::string const& text, auto&& read) {
    if (!text.empty())
      out.push_back({key, text == "none" && key != std::string_view{"catch_up"} ? value{} : read(text)});
  };
  auto const word = [](std::string const& text) { return value{text}; };
  put("catch_up", a.catch_up, word);
  put("overlap", a.overlap, word);
  put("grace", a.grace, [](auto const& t) { return duration_value("--grace", t); });
  put("spread", a.spread, [](auto const& t) { return duration_value("--spread", t); });
  put("jitter", a.jitter, [](auto const& t) { return duration_value("--jitter", t); });
  put("start", a.start, [](auto const& t) { return value{moment_text(moment_of("--start", t))}; });
  put("end", a.end, [](auto const& t) { return value{moment_text(moment_of("--end", t))}; });
  if (a.one_off) out.push_back({"one_off", true});
  if (a.repeat) out.push_back({"one_off", value{}});
  return out;
}

periodic_change change_of(session const& s, schedule_args const& a, value::map options_before) {
  periodic_change out;
  if (!a.when.empty()) out.when = schedule_in(a.when);
  if (!a.task.empty()) out.task = a.task;
  out.args = arguments_of(s, a);
  if (!a.kwargs.empty()) out.kwargs = map_of_json("--kwargs", a.kwargs);
  out.options = call_options_of(a, std::move(options_before));
  out.with = entry_options_of(a);
  return out;
}

periodic_task wanted(periodic_tasks& on, std::string const& name) {
  auto out = on.find(name);
  if (!out) throw error{errc::invalid_argument, "there is no periodic task '" + name + "'; see 'schedule list'"};
  return *std::move(out);
}

int run_list(session const& s, schedule_args const& a) {
  auto with = s.open();
  auto const all = periodic_tasks{with}.list();
  if (a.json) {
    value::list out;
    for (auto const& t : all) out.push_back(periodic_value(t));
    print(json_line(value{std::move(out)}));
    return exit_ok;
  }
  print(all.empty() ? "nothing is periodic yet; see 'lovage schedule add --help'\n" : periodic_table(all));
  return exit_ok;
}

int run_show(session const& s, schedule_args const& a) {
  auto with = s.open();
  periodic_tasks on{with};
  auto const t = wanted(on, a.name);
  print(a.json ? json_line(periodic_value(t)) : periodic_text(t));
  return exit_ok;
}

int said(schedule_args const& a, periodic_tasks& on, std::string const& name, std::string const& what) {
  auto const t = wanted(on, name);
  print(a.json ? json_line(periodic_value(t)) : "'" + name + "' " + what + next_text(t) + "\n");
  return exit_ok;
}

int run_add(session const& s, schedule_args const& a) {
  auto with = s.open();
  periodic_tasks on{with};
  on.add_named(a.name, schedule_in(a.when), a.task, change_of(s, a, {}));
  return said(a, on, a.name, "is added");
}

int run_edit(session const& s, schedule_args const& a) {
  auto with = s.open();
  periodic_tasks on{with};
  on.edit(a.name, change_of(s, a, wanted(on, a.name).options));
  return said(a, on, a.name, "is changed");
}

// Each of them; the first that cannot be ends it.
template <class F>
int for_each_name(session const& s, schedule_args const& a, F&& f) {
  auto with = s.open();
  periodic_tasks on{with};
  for (auto const& name : a.names) (void)wanted(on, name);
  for (auto const& name : a.names) f(on, name);
  return exit_ok;
}

int run_pause(session const& s, schedule_args const& a) {
  return for_each_name(s, a, [&](periodic_tasks& on, std::string const& name) {
    on.pause(name);
    (void)said(a, on, name, "is paused");
  });
}

int run_resume(session const& s, schedule_args const& a) {
  return for_each_name(s, a, [&](periodic_tasks& on, std::string const& name) {
    on.resume(name);
    (void)said(a, on, name, "goes on");
  });
}

int run_remove(session const& s, schedule_args const& a) {
  return for_each_name(s, a, [&](periodic_tasks& on, std::string const& name) {
    on.remove(name);
    print("'" + name + "' is removed\n");
  });
}

int run_run(session const& s, schedule_args const& a) {
  return for_each_name(s, a, [&](periodic_tasks& on, std::string const& name) { print(on.run(name).str() + "\n"); });
}

int run_heat(session const& s, schedule_args const& a) {
  auto with = s.open();
  auto const from = a.start.empty() ? with.state()->now() : moment_of("--from", a.start);
  auto const of = periodic_tasks{with}.heat(from);
  if (a.json) return print(json_line(heat_value(of))), exit_ok;
  std::string out;
  for (auto const& line : of.lines) out += printable(line) + "\n";
  print(out);
  return exit_ok;
}

using schedule_run = int (*)(session const&, schedule_args const&);

struct schedule_adder {
  CLI::App& schedule;
  session& s;
  std::shared_ptr<schedule_args> a;

  CLI::App& command(char const* name, char const* text, schedule_run run) const {
    auto* c = schedule.add_subcommand(name, text);
    c->callback([this_ = *this, c, run] {
      this_.a->words = c->remaining();
      this_.set(run);
    });
    return *c;
  }
  void set(schedule_run run) const {
    s.action = [&on = s, args = a, run] { return run(on, *args); };
  }
  void json(CLI::App& c) const { c.add_flag("--json", a->json, "As one line of JSON"); }
  void name(CLI::App& c) const { c.add_option("NAME", a->name, "Name of the entry")->required()->type_name(""); }
  void names(CLI::App& c) const { c.add_option("NAME", a->names, "Names of entries")->required()->type_name(""); }
  void call(CLI::App& c) const;
  void behaviour(CLI::App& c) const;
};

void schedule_adder::call(CLI::App& c) const {
  c.add_option("-a,--args", a->args, "All arguments as one JSON list")->type_name("JSON");
  c.add_option("-k,--kwargs", a->kwargs, "Keyword arguments as a JSON object")->type_name("JSON");
  c.add_option("--queue", a->queue, "Send to this queue instead of the configured one")->type_name("NAME");
  c.add_option("--exchange", a->exchange, "Send to this exchange instead of a queue")->type_name("NAME");
  c.add_option("--routing-key", a->routing_key, "With --exchange")->type_name("KEY");
  c.add_option("--priority", a->priority, "0 to 9, 9 is served first")
      ->type_name("N")
      ->check(CLI::Range(0, 9).description(""));
  c.add_option("--expires", a->expires, "Do not start a run that waited longer")->type_name("DURATION");
  c.add_option("--options", a->options, "Further options of apply_async as a JSON object")->type_name("JSON");
}

void schedule_adder::behaviour(CLI::App& c) const {
  auto const group = "Beside the schedule";
  c.add_option("--catch-up", a->catch_up, "Runs missed while no scheduler was there: none, last (default), all")
      ->type_name("WHICH")
      ->check(CLI::IsMember({"none", "last", "all"}).description(""))
      ->group(group);
  c.add_option("--grace", a->grace, "Runs missed by more than this are not caught up with")
      ->type_name("DURATION")
      ->group(group);
  c.add_option("--overlap", a->overlap, "While the last run has not ended: allow (default), skip, queue, cancel")
      ->type_name("WHAT")
      ->check(CLI::IsMember({"allow", "skip", "queue", "cancel"}).description(""))
      ->group(group);
  c.add_option("--spread", a->spread, "Send later by a part of this that the name decides")
      ->type_name("DURATION")
      ->group(group);
  c.add_option("--jitter", a->jitter, "Send later by another part of this each time")
      ->type_name("DURATION")
      ->group(group);
  c.add_option("--start", a->start, "Not before this moment, ISO 8601")->type_name("TIME")->group(group);
  c.add_option("--end", a->end, "Not from this moment on")->type_name("TIME")->group(group);
  c.add_flag("--one-off", a->one_off, "Once; paused then")->group(group);
}

constexpr char const* schedule_footer = R"(Examples:
  lovage schedule                                     what is periodic, and when it runs next
  lovage schedule add nightly "0 4 * * *" shop.report
  lovage schedule add poll "every 30s" shop.poll eu --queue slow --overlap skip
  lovage schedule add dusk "solar sunset 52.5 13.4" lights.on
  lovage schedule edit nightly --schedule "30 3 * * mon-fri Europe/Berlin" --spread 10m
  lovage schedule pause nightly                       until: resume nightly
  lovage schedule run nightly                         now, beside its schedule; prints the task's id
  lovage schedule heat                                the load of the coming day: pile-ups and quiet hours

A change is seen by running schedulers at once or within seconds. Entries of code and of lovage.toml are changed there.
Exit codes: 0 done, 1 failed, 2 wrong usage.)";

}  // namespace

void add_schedule(CLI::App& root, session& s) {
  auto* c = root.add_subcommand("schedule", "Show and change periodic tasks");
  schedule_adder const add{*c, s, std::make_shared<schedule_args>()};
  c->require_subcommand(0, 1);
  add.json(*c);
  add.json(add.command("list", "All of them (the default)", run_list));
  auto& show = add.command("show", "One of them in full", run_show);
  add.name(show);
  add.json(show);
  auto& make = add.command("add", "Make one: NAME SCHEDULE TASK [ARGS...]", run_add);
  make.allow_extras();  // the parser would take [1,2] apart
  add.name(make);
  make.add_option("SCHEDULE", add.a->when, "Such as \"*/5 * * * *\", \"every 90s\", \"at 2027-01-01T00:00:00Z\"")
      ->required()
      ->type_name("");
  make.add_option("TASK", add.a->task, "Name of the task")->required()->type_name("");
  auto& edit = add.command("edit", "Change one; what is not named stays, \"none\" takes away", run_edit);
  add.name(edit);
  edit.add_option("--schedule", add.a->when, "Another schedule")->type_name("SCHEDULE");
  edit.add_option("--task", add.a->task, "Another task")->type_name("NAME");
  edit.add_flag("--repeat", add.a->repeat, "Not one-off any more");
  for (auto* each : {&make, &edit}) {
    add.call(*each);
    add.behaviour(*each);
    add.json(*each);
  }
  auto& pause = add.command("pause", "Let it rest, until it is resumed", run_pause);
  auto& resume = add.command("resume", "Let it go on; what it missed is not caught up with", run_resume);
  add.names(pause);
  add.names(resume);
  add.json(pause);
  add.json(resume);
  add.names(add.command("run", "Send it now, beside its schedule", run_run));
  add.names(add.command("remove", "Remove it", run_remove));
  auto& heat = add.command("heat", "The load of the coming day: runs a minute, pile-ups, quiet hours", run_heat);
  heat.add_option("--from", add.a->start, "Of another day from this moment on, ISO 8601")->type_name("TIME");
  add.json(heat);
  c->footer(schedule_footer);
  c->callback([add, c] {
    if (c->get_subcommands().empty()) add.set(run_list);
  });
}

}  // namespace lovage::cli
