// Which messages an inbox takes, for brokers that route by themselves.
#pragma once

#include "broker/transport.hpp"

namespace lovage::broker {

/// A task: it goes to its queue, and inboxes are not asked.
[[nodiscard]] inline bool is_for_queue(outgoing const& m) { return m.must_route && !m.queue.empty(); }

/// True when this message is for an inbox of this spec: by its name, or through the exchange that it is bound to.
[[nodiscard]] inline bool takes(queue_spec const& inbox, outgoing const& m) {
  if (!m.queue.empty()) return m.queue == inbox.name;
  if (m.exchange.empty()) return m.routing_key == inbox.name.str();
  if (m.exchange != inbox.exchange) return false;
  if (inbox.exchange_type == "fanout") return true;
  return inbox.exchange_type == "topic" ? topic_matches(inbox.routing_key, m.routing_key)
                                        : m.routing_key == inbox.routing_key;
}

/// What comes is for many: of too much of it the oldest may go. What is addressed to one, answers, is all kept.
[[nodiscard]] inline bool hears_broadcasts(queue_spec const& inbox) {
  return inbox.exchange_type == "topic" || inbox.exchange_type == "fanout";
}

}  // namespace lovage::broker
