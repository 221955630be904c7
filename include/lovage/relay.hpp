// Forwarding tasks from one broker to another: the way out of an outbox.
#pragma once

#include <lovage/app.hpp>
#include <lovage/deadline.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lovage {

class relay_options {
 public:
  /// Where messages are taken from: the broker whose tables are the outbox.
  relay_options& from(std::string url) { return from_ = std::move(url), *this; }
  /// The queues to forward, under their names. Default: all that the source knows, and those that come later.
  relay_options& queues(std::vector<std::string> names) { return queues_ = std::move(names), *this; }
  /// Most messages between two confirmations; default 1,000.
  relay_options& batch(std::size_t v) { return batch_ = v, *this; }
  /// React to SIGTERM, SIGINT and SIGQUIT (the default). Without, the program calls `stop`.
  relay_options& handle_signals(bool v) { return handle_signals_ = v, *this; }
  /// Answer probes at /healthz and /readyz, and /metrics, on this port over HTTP; 0: any that is free. Default: none.
  relay_options& health_port(int v) { return health_port_ = v, *this; }
  /// The address to listen on for them; default 127.0.0.1.
  relay_options& health_host(std::string v) { return health_host_ = std::move(v), *this; }

  std::string from_;
  std::vector<std::string> queues_;
  std::size_t batch_ = 1'000;
  bool handle_signals_ = true;
  std::optional<int> health_port_;
  std::string health_host_ = "127.0.0.1";
};

/// Takes messages from a broker and sends them, as they are, to the app's own. A program writes tasks into a table of
/// its database, in the transaction that writes its data; the relay brings them to RabbitMQ or Redis.
///
///     lovage::app app{lovage::config{}.broker_url("amqp://rabbit.internal//")};
///     return lovage::relay{app, lovage::relay_options{}.from("sqlite:////var/lib/shop/outbox.db")}.run();
///
/// *Guarantee*: a message leaves the source once the target has confirmed it, so none is lost; in each queue their
/// order stays. One that a crash makes the relay send again bears the same task id and a header by which lovage's
/// workers recognise it: it runs once, as long as they share a result backend that keeps claims (redis, sqlite). Any
/// number of relays may work on one source. While either side is away the relay waits.
/// A message that the target refuses for good goes to the source's dead set, where it has one.
class relay {
 public:
  /// Throws `error` for settings that cannot be: no source, or one that is the target.
  relay(app& on, relay_options options);
  ~relay();
  relay(relay const&) = delete;
  relay& operator=(relay const&) = delete;

  /// Runs until stopped: 0 after SIGTERM or `stop`, 1 after SIGINT or SIGQUIT. What is not confirmed by then stays in
  /// the source. Throws `error` when it cannot start: a setting that cannot be, the port for probes.
  int run();
  /// *Threads*: any; may come before `run` and twice.
  void stop();
  /// Waits until messages are taken; false at the deadline.
  bool wait_ready(deadline until) const;
  /// Messages that the target has confirmed.
  [[nodiscard]] std::uint64_t forwarded() const noexcept;
  /// Where it answers probes, such as "http://127.0.0.1:8080"; empty while it does not.
  [[nodiscard]] std::string health_url() const;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace lovage
