// Exchanges, queues and bindings as Celery declares them (wire-format 4.1, 4.5), once per connection.
#pragma once

#include "broker/amqp/session.hpp"
#include "broker/topology.hpp"

#include <set>
#include <string>

namespace lovage::broker::amqp {

/// What the server said about `what`, as an error: `bad_config` where a second attempt would not help.
[[nodiscard]] error_info fault_of(reply const& r, std::string const& what);

/// Has a channel of its own: the server closes it at every refusal. *Threads*: the session's.
class declarer {
 public:
  static constexpr std::uint16_t channel = 2;

  explicit declarer(session& on) : on_{on} {}

  /// A new connection: no channel, and nothing is declared yet.
  void begin();
  /// Things may have been deleted: declare them again.
  void forget();
  /// This one has been deleted behind our back.
  void forget_queue(std::string const& name) { done_.erase("queue " + name), done_.erase("delays " + name); }
  /// Exchange, queue and binding. What exists with other arguments is used as it is, with a warning. What this user may
  /// not declare is taken to exist. Errors: `unavailable`, `bad_config`.
  [[nodiscard]] expected<void> queue(queue_spec const& spec);
  /// The exchange alone.
  [[nodiscard]] expected<void> exchange(queue_spec const& spec);
  [[nodiscard]] expected<bool> exchange_exists(std::string const& name);
  /// A queue that is not to be made: 404 where there is none.
  [[nodiscard]] reply look_at(queue_name const& queue);
  [[nodiscard]] reply purge(queue_name const& queue);
  /// The queue of dead messages of `spec`, made if need be; its name.
  [[nodiscard]] expected<queue_name> dead_queue(queue_spec const& spec);

  /// The delay queues, and `queue` bound to where they end. False when they cannot be had here: then a message is sent
  /// at once, and whoever gets it early holds it.
  [[nodiscard]] expected<bool> delays(queue_name const& queue, std::string const& type);
  /// The same way for what Python sends to the exchange of `spec` with a delay.
  [[nodiscard]] expected<void> python_delays(queue_spec const& spec, std::string const& type);

  void on_closed() noexcept { open_ = false; }

 private:
  [[nodiscard]] reply call(amqp_method_number_t id, void const* decoded, amqp_method_number_t answer);
  [[nodiscard]] reply declare_exchange(std::string const& name, std::string const& type, bool durable, bool passive);
  [[nodiscard]] reply declare_queue(queue_spec const& spec, bool passive);
  [[nodiscard]] reply bind_queue(std::string const& queue, std::string const& exchange, std::string const& key);
  [[nodiscard]] reply bind_exchange(std::string const& to, std::string const& from, std::string const& key);
  [[nodiscard]] expected<void> tolerate(reply const& refused, std::string const& what, reply const& passive);
  [[nodiscard]] reply ladder(std::string const& type);
  [[nodiscard]] reply level(int n, std::string& type);
  [[nodiscard]] expected<bool> made_ladder(std::string const& type);
  [[nodiscard]] bool first_time(std::string what) { return done_.insert(std::move(what)).second; }

  session& on_;
  bool open_ = false;
  std::set<std::string> done_;
  std::optional<bool> ladder_;
};

/// "celery" -> "celery.lovage-dead"
[[nodiscard]] queue_name dead_name(queue_name const& queue);

}  // namespace lovage::broker::amqp
