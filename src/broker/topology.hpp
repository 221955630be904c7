// Queues, exchanges and the bindings between them, as Celery names them (wire-format 4.1). Values without I/O.
#pragma once

#include <lovage/expected.hpp>
#include <lovage/types.hpp>
#include <lovage/value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace lovage::broker {

/// `*` is one word of a topic, `#` any number; words are parted by dots.
[[nodiscard]] bool topic_matches(std::string_view pattern, std::string_view key);

/// One row of `task_queues`: a queue and how it is bound.
struct queue_spec {
  queue_name name;
  std::string exchange;                  ///< empty only for queues of the default exchange alone (replies)
  std::string exchange_type = "direct";  ///< direct, topic, fanout
  std::string routing_key;               ///< of the binding, and of messages sent to the queue by its name
  value::map arguments;                  ///< "x-max-priority", "x-queue-type", ...
  bool durable = true, auto_delete = false, exclusive = false;
  bool exchange_durable = true;
  /// Every consumer has a queue of its own (kombu's Broadcast): a message to `name` reaches all workers.
  bool broadcast = false;

  friend bool operator==(queue_spec const&, queue_spec const&) = default;
};

/// All queues that a program knows, and the pattern for the others.
struct topology {
  std::vector<queue_spec> queues;
  bool create_missing = true;           ///< `task_create_missing_queues`
  std::string missing_type = "direct";  ///< exchange type of queues made on the way
  value::map missing_arguments;         ///< "x-queue-type", "x-max-priority" of those

  /// The queue of this name. Error `bad_config`, naming the known queues, when it is not listed and may not be made.
  [[nodiscard]] expected<queue_spec> find(queue_name const& name) const;
  /// The listed queues that a message to `exchange` with `key` reaches: what a broker without exchanges must know.
  [[nodiscard]] std::vector<queue_name> reached_by(std::string_view exchange, std::string_view key) const;
};

}  // namespace lovage::broker
