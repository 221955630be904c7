// Which queues a message to an exchange reaches: over Redis the publisher finds out.
#pragma once

#include "broker/redis/parts.hpp"

#include <chrono>
#include <optional>
#include <unordered_map>

namespace lovage::broker::redis_broker {

/// *Threads*: one at a time. *Lifetime*: within `on`.
class router {
 public:
  explicit router(shared const& on) : on_{on} {}

  /// By this program's own topology and by the bindings that others left in Redis (looked at again after some seconds,
  /// and when nothing matched). Errors: as the connection's.
  [[nodiscard]] expected<std::vector<std::string>> queues(std::string const& exchange, std::string const& routing_key,
                                                          rd::client& over, deadline until);

  /// The queue for answers that a mailbox has for this key, if there is one: named after the key, as kombu's are. One
  /// question, where the bindings would be as many as there were mailboxes whose programs were killed.
  [[nodiscard]] expected<std::optional<std::string>> mailbox(std::string const& exchange,
                                                             std::string const& routing_key, rd::client& over,
                                                             deadline until) const;

 private:
  using clock = std::chrono::steady_clock;
  struct table {
    std::vector<binding> bindings;
    clock::time_point read_at{};
  };
  [[nodiscard]] expected<void> read(std::string const& exchange, table& into, rd::client& over, deadline until);

  shared const& on_;
  std::unordered_map<std::string, table> tables_;
};

}  // namespace lovage::broker::redis_broker
