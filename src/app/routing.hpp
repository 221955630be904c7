// From a call to its address: the call's own options, then the program's routers, then task_routes, then the default.
#pragma once

#include "broker/transport.hpp"
#include "config/name_pattern.hpp"

#include <lovage/config.hpp>
#include <lovage/task.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace lovage::detail {

/// A queue, or an exchange with its key: what `broker::outgoing` takes.
struct destination {
  queue_name queue;
  std::string exchange = {}, routing_key = {};
  friend bool operator==(destination const&, destination const&) = default;
};

/// A value; its rules are compiled once. *Threads*: any, but for `add`.
class routing {
 public:
  /// One queue, `celery`, and no rules.
  routing() : routing{config{}} {}
  explicit routing(config const& c);

  [[nodiscard]] broker::topology const& queues() const noexcept { return queues_; }
  /// Whether anything but the call itself and the default has a say.
  [[nodiscard]] bool has_rules() const noexcept { return !rules_.empty() || !routers_.empty(); }
  [[nodiscard]] std::string const& default_queue() const noexcept { return default_queue_; }

  /// Asked before the rules, in the order in which they were added.
  void add(router one) { routers_.push_back(std::move(one)); }

  /// Fills in what the call leaves open. Where the call says whither, a rule has no say in that; a rule's routing key
  /// alone still counts. Errors: what a router throws, as `invalid_argument`; arguments that cannot be read.
  [[nodiscard]] expected<void> complete(raw_call& call) const;

  /// Where these options, completed, lead. An exchange is taken as it is; a queue must be known or may be made, and is
  /// left for its exchange only where that is no direct one and a routing key is given. Error `bad_config`.
  [[nodiscard]] expected<destination> address(call_options const& options) const;

  /// For brokers without exchanges: the message, to each queue that it would have reached. Errors: `unavailable` when
  /// that is none, `not_supported` when one is a broadcast.
  [[nodiscard]] expected<void> spread(broker::outgoing&& one, std::vector<broker::outgoing>& into) const;

  /// The queues that a worker takes from: `named` (its -Q), each once, or all that are listed. Error `bad_config` when
  /// one is not listed and may not be made.
  [[nodiscard]] expected<std::vector<queue_name>> taken(std::vector<std::string> const& named) const;
  /// Error `not_supported` when one of them is for broadcasts and the broker has no exchanges.
  [[nodiscard]] expected<void> can_take(std::vector<queue_name> const& queues, broker::traits const& able) const;

  /// The queue that the rules name for this task, else the default.
  [[nodiscard]] queue_name queue_of(std::string_view task) const;

 private:
  struct rule {
    name_pattern pattern;
    route_options to;
  };
  [[nodiscard]] expected<route_options> rule_for(raw_call const& call) const;
  [[nodiscard]] broker::queue_spec const* listed(queue_name const& name) const;
  [[nodiscard]] route_options const* matching(std::string const& task) const;

  broker::topology queues_;
  std::string default_queue_;
  std::vector<rule> rules_;
  std::vector<router> routers_;
};

}  // namespace lovage::detail
