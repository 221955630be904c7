// What stands in a list, in `unacked`, in the delayed set and in the dead set.
//
//   list        the envelope: JSON as kombu writes it
//   unacked     [envelope, exchange, routing key]; ours are made by joining texts, so that nothing is read and
//   rewritten delayed     "<id>\n<length of queue>:<length of list>\n" queue list envelope dead        MessagePack
//   [queue, priority, reason, died at, attempts], then the envelope, whatever it was
#pragma once

#include "broker/transport.hpp"

#include <lovage/expected.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace lovage::broker::redis_broker {

/// An envelope read: lovage's own header and kombu's marks of a redelivery are taken out of it.
struct element {
  wire::envelope envelope;
  std::uint32_t attempts = 0;
  bool redelivered = false;
  std::optional<time_point> due;  ///< its eta
  std::string exchange = {}, routing_key = {};
};
[[nodiscard]] expected<element> read_element(std::string_view text);

/// Error `encode`.
[[nodiscard]] expected<std::string> write_element(outgoing const& m, std::string_view exchange,
                                                  std::string_view routing_key);

/// The text marked as kombu marks what it gives back, with this number of attempts; everything else stays as it is.
/// Text that is no envelope stays whole.
[[nodiscard]] std::string given_back(std::string_view text, std::uint32_t attempts);
/// As when it was sent for the first time, but for kombu's mark.
[[nodiscard]] inline std::string revived(std::string_view text) { return given_back(text, 0); }

/// What follows the envelope in an entry of `unacked`: `, "", "queue"]`.
[[nodiscard]] std::string unacked_tail(std::string_view queue);

/// An entry of `unacked`, whoever wrote it.
struct unacked_entry {
  std::string envelope;
  std::string exchange, routing_key;
  int priority = 0;
  std::uint32_t attempts = 0;
};
[[nodiscard]] expected<unacked_entry> read_unacked(std::string_view value);
/// The envelope in an entry of ours; empty when it is none.
[[nodiscard]] std::string_view envelope_in(std::string_view value, std::string_view queue);

/// A member of the delayed set, without the envelope at its end.
[[nodiscard]] std::string delayed_head(std::string_view id, std::string_view queue, std::string_view list);
/// The queue of a member; empty when it is none.
[[nodiscard]] std::string_view queue_of_delayed(std::string_view member);

/// A record of the dead set, without the envelope at its end.
[[nodiscard]] std::string dead_head(std::string_view queue, int priority, std::string_view reason, time_point died_at,
                                    std::uint32_t attempts);
struct dead_record {
  dead_message message;  ///< with an empty envelope and the text as its body when that is no envelope
  int priority = 0;
  std::string_view text;  ///< of the envelope; within what was read
};
[[nodiscard]] expected<dead_record> read_dead(std::uint64_t id, std::string_view record);

}  // namespace lovage::broker::redis_broker
