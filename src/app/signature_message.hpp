// Between signatures as data and the messages that call them (wire-format 3.1, 3.7).
#pragma once

#include "app/app_state.hpp"
#include "wire/signature.hpp"

#include <optional>
#include <string>

namespace lovage::detail {

/// Where a call stands in its workflow: what its message says beside the signature's own options.
struct workflow_place {
  std::string parent_id = {};  ///< the task that sends it; empty: none
  std::string root_id = {};    ///< the first task of the workflow; empty: the call itself
  std::optional<std::string> group = {};
  std::optional<std::int64_t> group_index = {};
  std::optional<int> priority = {};  ///< for signatures that set none
};

/// A call before it is written: to a queue, or where `exchange` is set, there with its key.
struct addressed_call {
  wire::task_message message;
  queue_name queue;
  std::string exchange, routing_key;
  wire::encode_options encoding;
};

/// The call that this signature of one task describes; its options become headers, properties, embed and address, and
/// what they leave open follows the settings. *On failure*: `decode`, where "signature.options.<key>".
[[nodiscard]] expected<addressed_call> call_of(wire::signature s, workflow_place place,
                                               publish_settings const& settings, time_point now);
[[nodiscard]] expected<broker::outgoing> outgoing_of(addressed_call&& call);

/// Calls `app::before_publish` for a signature of one task that this program sends. Errors: as `signature_of`.
[[nodiscard]] expected<void> tell_before(wire::signature& s, app_state const& app);

/// The signature as Celery writes it, with the options that were set. Errors: as `message_of`.
[[nodiscard]] expected<wire::signature> signature_of(raw_call const& call);

}  // namespace lovage::detail
