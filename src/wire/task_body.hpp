// The body of a task message: [args, kwargs, embed] in protocol 2, one map in protocol 1 (wire-format 2.3, 2.4).
#pragma once

#include "wire/task_message.hpp"

namespace lovage::wire {

/// Takes `body` apart. *On failure*: `decode`, naming the part ("body.args", "body.embed.chain").
[[nodiscard]] expected<void> decode_body(value&& body, task_message& out);

/// True for a map with a `task`.
[[nodiscard]] bool is_protocol_1(value const& body) noexcept;
/// *Requires*: `is_protocol_1(body)`. Sets `protocol` to 1. A naive time is taken as UTC whatever `utc` says: the
/// sender's zone is nowhere in the message.
[[nodiscard]] expected<void> decode_protocol_1(value&& body, task_message& out);

/// Moves the three elements out of `from`.
[[nodiscard]] value encode_body(task_message& from);

}  // namespace lovage::wire
