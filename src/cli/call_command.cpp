// lovage call
#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "cli/waiting.hpp"
#include "cli/words.hpp"

#include "app/app_state.hpp"

#include <cctype>
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

struct call_args {
  std::string name, args, kwargs, countdown, eta, expires, queue, exchange, routing_key, id, time_limit,
      soft_time_limit;
  int priority = -1;
  wait_option wait;
  std::vector<std::string> words, stamps;
};

value::list arguments(session const& s, call_args const& a) {
  auto words = a.words;
  for (auto const& w : words)
    if (w.size() > 1 && w[0] == '-' && !std::isdigit(static_cast<unsigned char>(w[1])) && w[1] != '.')
      throw usage_error{"call has no option '" + w + "'; an argument that begins with a dash stands behind \"--\""};
  words.insert(words.end(), s.tail.begin(), s.tail.end());
  if (a.args.empty()) {
    value::list out;
    for (auto const& w : words) out.push_back(value_of_word(w));
    return out;
  }
  if (!words.empty()) throw usage_error{"give the arguments either as words or with --args, not both"};
  return list_of_json("--args", a.args);
}

call_options options_of(call_args const& a) {
  call_options out;
  if (!a.id.empty()) out.id(task_id{a.id});
  if (!a.queue.empty() && !a.exchange.empty()) throw usage_error{"give --queue or --exchange, not both"};
  if (!a.queue.empty()) out.queue(a.queue);
  if (!a.exchange.empty()) out.exchange(a.exchange);
  if (!a.routing_key.empty()) out.routing_key(a.routing_key);
  if (a.priority >= 0) out.priority(a.priority);
  if (!a.countdown.empty()) out.countdown(call_options::seconds{seconds_of("--countdown", a.countdown)});
  if (!a.eta.empty()) out.eta(moment_of("--eta", a.eta));
  if (!a.expires.empty()) set_expires(out, a.expires);
  for (auto const& s : a.stamps) {
    auto const equals = s.find('=');
    if (equals == s.npos || equals == 0) throw usage_error{"a stamp is given as NAME=VALUE, not '" + s + "'"};
    out.stamp(s.substr(0, equals), s.substr(equals + 1));
  }
  if (!a.time_limit.empty()) out.time_limit(call_options::seconds{seconds_of("--time-limit", a.time_limit)});
  if (!a.soft_time_limit.empty())
    out.soft_time_limit(call_options::seconds{seconds_of("--soft-time-limit", a.soft_time_limit)});
  return out;
}

int await(async_result<value> const& sent, deadline until) {
  auto const& id = sent.id().str();
  if (!sent.wait(until)) {
    std::fprintf(stderr, "lovage: no result yet; ask later with: lovage result %s\n", id.c_str());
    return exit_not_ready;
  }
  auto const status = sent.status();
  if (auto const why = status.failure()) {
    std::fprintf(stderr, "lovage: task %s[%s] failed: %s\n", sent.task().c_str(), id.c_str(), why->detail.c_str());
  } else {
    print(json_line(status.result));
  }
  return exit_code_of(status);
}

int run_call(session const& s, call_args const& a) {
  auto args = arguments(s, a);
  auto kwargs = a.kwargs.empty() ? value::map{} : map_of_json("--kwargs", a.kwargs);
  auto options = options_of(a);
  auto const until = a.wait.given() ? std::optional{a.wait.until()} : std::nullopt;
  auto on = s.open();
  if (until && !on.state()->has_backend())
    throw error{errc::not_supported, "cannot wait for the result: no result backend; set result_backend"};
  auto const sent = on.send_named(a.name, std::move(args), std::move(kwargs), std::move(options));
  if (until) return await(sent, *until);
  print(sent.id().str() + "\n");
  return exit_ok;
}

constexpr char const* call_footer =
    R"(ARGS are JSON where they are JSON, else plain words: 2 is a number, '"2"' and two are texts, '[1,2]' is a list.
Arguments that begin with a dash (but negative numbers) stand behind "--".

Examples:
  lovage call shop.add 2 3                              prints the task's id
  lovage call shop.add 2 3 --wait 10                    waits ten seconds at most, prints 5
  lovage call mail.send --kwargs '{"to": "ann"}' --countdown 60
  lovage call news.print hello --exchange media --routing-key news.sport
  lovage call report.build --args '["2026-11"]' --queue slow --priority 9 --expires 3600

Exit codes: 0 sent (with --wait: succeeded), 1 not sent or failed, 2 wrong usage, 3 no result in time.)";

}  // namespace

void add_call(CLI::App& root, session& s) {
  auto const a = std::make_shared<call_args>();
  auto* c = root.add_subcommand("call", "Send a task by name and print its id, or wait for its result");
  // The arguments are not declared: the parser would take [1,2] apart.
  c->allow_extras();
  c->add_option("NAME", a->name, "Name of the task, such as shop.add")->required()->type_name("");
  c->add_option("-a,--args", a->args, "All arguments as one JSON list")->type_name("JSON");
  c->add_option("-k,--kwargs", a->kwargs, "Keyword arguments as a JSON object")->type_name("JSON");
  c->add_option("--countdown", a->countdown, "Run it this many seconds from now")->type_name("SECONDS");
  c->add_option("--eta", a->eta, "Run it at this time, ISO 8601; UTC when it names no offset")->type_name("TIME");
  c->add_option("--expires", a->expires, "Do not start it after this many seconds, or after this time")
      ->type_name("SECONDS|TIME");
  c->add_option("--queue", a->queue, "Send to this queue instead of the configured one")->type_name("NAME");
  c->add_option("--exchange", a->exchange, "Send to this exchange instead of a queue")->type_name("NAME");
  c->add_option("--routing-key", a->routing_key, "With --exchange, or with a queue of a topic exchange")
      ->type_name("KEY");
  c->add_option("--priority", a->priority, "0 to 9, 9 is served first")
      ->type_name("N")
      ->check(CLI::Range(0, 9).description(""));
  c->add_option("--time-limit", a->time_limit, "The process that runs it is killed after this long")
      ->type_name("SECONDS");
  c->add_option("--soft-time-limit", a->soft_time_limit, "It is told to end after this long")->type_name("SECONDS");
  c->add_option("--id", a->id, "An id of your own instead of a random one")->type_name("ID");
  c->add_option("--stamp", a->stamps, "Mark it, so that it can be revoked by this; may be given several times")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  a->wait.add_to(*c, "Wait for the result, for ever or this long, and print it as JSON");
  c->footer(call_footer);
  c->callback([a, c, &s] {
    a->words = c->remaining();
    s.action = [a, &s] { return run_call(s, *a); };
  });
}

}  // namespace lovage::cli
