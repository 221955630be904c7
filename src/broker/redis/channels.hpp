// Listening to channels.
#pragma once

#include "redis/reply.hpp"

#include <optional>
#include <string>

namespace lovage::broker::redis_broker {

/// A message that came over a channel.
struct channel_message {
  std::string subscribed;  ///< what was subscribed to
  std::string text;
};

/// Appends the one command that subscribes to what `layout::channel_pattern` gave. By its name where it is no pattern:
/// the rule `&shop:*` of an ACL user allows every channel of that prefix, but no pattern other than `shop:*` itself.
void subscribe(std::string const& pattern, lovage::redis::commands& out);
void unsubscribe(std::string const& pattern, lovage::redis::commands& out);

/// Nothing for what is no message.
[[nodiscard]] std::optional<channel_message> read_push(lovage::redis::reply&& said);

}  // namespace lovage::broker::redis_broker
