// lovage relay
#include "cli/commands.hpp"
#include "cli/daemon_options.hpp"
#include "core/ids.hpp"

#include <lovage/relay.hpp>

#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

struct relay_args {
  std::string from;
  std::vector<std::string> queues;
  std::size_t batch = 1'000;
  std::string health_host = "127.0.0.1";
  std::optional<int> health_port;
  daemon_options daemon;
};

int run_relay(session const& s, relay_args const& a) {
  auto const node = "relay@" + host_name();
  become(a.daemon.service);
  set_up_log(log_options_of(s, a.daemon, node));
  pid_file const mine{expand_file_name(a.daemon.service.pidfile, node)};
  auto on = s.open();
  relay_options with;
  with.from(a.from).queues(a.queues).batch(a.batch).health_host(a.health_host);
  if (a.health_port) with.health_port(*a.health_port);
  return relay{on, std::move(with)}.run();
}

constexpr char const* relay_footer =
    R"(Brings tasks from an outbox, which a program fills in the transaction that writes its data, to the broker of -b (or
setting broker_url). A message leaves the source once the target has confirmed it; lovage's workers recognise what a
crash makes the relay send twice.

Examples:
  lovage relay sqlite:////var/lib/shop/outbox.db -b amqp://rabbit.internal//
  lovage relay postgresql://shop@db/shop -b redis://localhost/0 -Q orders,mail
  lovage relay sqlite:///outbox.db -b redis://localhost/0 --health-port 8080 -l info

TERM or INT (ctrl-C): finishes the batch that is on its way, then ends. Any number of relays may work on one source.
Exit codes: 0 stopped by TERM, 1 stopped otherwise or could not start, 2 wrong usage.)";

}  // namespace

void add_relay(CLI::App& root, session& s) {
  auto const a = std::make_shared<relay_args>();
  auto* c = root.add_subcommand("relay", "Forward tasks from one broker to another: the way out of an outbox");
  c->add_option("FROM", a->from, "The broker to take from, such as sqlite:///outbox.db")->required()->type_name("");
  c->add_option("-Q,--queues", a->queues, "Queues to forward (default: all that the source knows, or comes to know)")
      ->type_name("A,B")
      ->delimiter(',')
      ->allow_extra_args(false);
  c->add_option("--batch", a->batch, "Most messages between two confirmations (default: 1000)")
      ->type_name("N")
      ->check(CLI::Range(1, 100'000).description(""));
  c->add_option("--health-port", a->health_port, "Answer probes and Prometheus on this port; 0: any")
      ->type_name("PORT");
  c->add_option("--health-host", a->health_host, "Address to listen on for them (default: 127.0.0.1)")
      ->type_name("HOST");
  add_log_options(*c, a->daemon);
  add_service_options(*c, a->daemon.service);
  c->footer(relay_footer);
  c->callback([a, &s] { s.action = [a, &s] { return run_relay(s, *a); }; });
}

}  // namespace lovage::cli
