// The names of keys and channels as kombu makes them (wire-format 5.1), and the transport options that change them.
#pragma once

#include "broker/topology.hpp"

#include <lovage/expected.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::broker::redis_broker {

/// What `broker_transport_options` say; the names are kombu's.
struct options {
  std::vector<int> priority_steps{0, 3, 6, 9};  ///< ascending
  std::string sep = "\x06\x16";
  std::string global_keyprefix;
  std::string unacked_key = "unacked", unacked_index_key = "unacked_index", unacked_mutex_key = "unacked_mutex";
  std::chrono::seconds unacked_mutex_expire{300};
  std::string fanout_prefix = "/{db}.";
  bool fanout_patterns = true;
  /// When a message that a Python worker took and did not acknowledge is given back.
  std::chrono::milliseconds visibility_timeout{3'600'000};
  enum class order { round_robin, sorted, given } queue_order = order::round_robin;
  /// lovage's own: the same for what a lovage worker took, from its last sign of life on.
  std::chrono::milliseconds lovage_lease{30'000};
  /// lovage's own, `priority_order`: "celery" serves step 0 first, as kombu does on Redis and nowhere else.
  bool lowest_first = false;
};

/// Unknown options are logged as a warning. Error `bad_config` for ill-typed ones.
[[nodiscard]] expected<options> read_options(value::map const& from);

/// One binding as its set holds it.
struct binding {
  std::string routing_key, pattern, queue;
  friend bool operator==(binding const&, binding const&) = default;
};

/// *Threads*: any.
class layout {
 public:
  layout(options with, int database);

  [[nodiscard]] options const& with() const noexcept { return with_; }
  /// Any key of this broker: with the global prefix.
  [[nodiscard]] std::string key(std::string_view name) const { return with_.global_keyprefix + std::string{name}; }
  /// The step at or below the priority.
  [[nodiscard]] int step(int priority) const noexcept;
  [[nodiscard]] std::string list(std::string_view queue, int priority) const;
  /// In the order in which this worker serves them.
  [[nodiscard]] std::vector<int> const& served() const noexcept { return served_; }

  [[nodiscard]] std::string bindings(std::string_view exchange) const;
  [[nodiscard]] std::string write(binding const& b) const;
  [[nodiscard]] binding read_binding(std::string_view member) const;
  /// How the queue is bound, with Python's regular expression where the exchange is a topic.
  [[nodiscard]] static binding binding_of(queue_spec const& queue);

  [[nodiscard]] std::string channel(std::string_view exchange, std::string_view routing_key) const;
  /// What to subscribe to for the channels of a binding.
  [[nodiscard]] std::string channel_pattern(std::string_view exchange, std::string_view binding_key) const;

 private:
  options const with_;
  std::vector<int> served_;
  std::string fanout_prefix_;
};

/// Exchanges that carry nothing for later: over Redis they are channels. Those of remote control, its replies excepted,
/// and events; whatever the topology declares as fanout is one too.
[[nodiscard]] bool is_channel_by_name(std::string_view exchange);
/// Those that carry replies of remote control.
[[nodiscard]] bool is_for_replies(std::string_view exchange);

/// Seconds that replies, and the way to them, outlive their reader.
inline constexpr char replies_last[] = "86400";

}  // namespace lovage::broker::redis_broker
