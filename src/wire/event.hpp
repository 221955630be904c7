// Monitoring events as data (wire-format 9).
#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::wire {

/// One event: the members every event has, and the fields of its type.
///
///     event e{"task-succeeded", "w1@host"};
///     e.fields = {{"uuid", id}, {"result", "5"}, {"runtime", 0.013}};
struct event {
  std::string type;                 ///< "worker-heartbeat", "task-received", ...
  std::string hostname;             ///< node name of the sender
  std::optional<double> timestamp;  ///< Unix seconds, absolute: never shift it by `utcoffset`
  std::optional<double> utcoffset;  ///< hours *west* of UTC; leave it out and Python does not shift
  std::optional<std::int64_t> pid;
  std::optional<std::int64_t> clock;  ///< Lamport clock
  value::map fields;
  /// Further fields, written already (json_members): for events that are made by the hundred thousand.
  std::string members = {};

  /// In Python's order: the sender's members, the fields, then timestamp and type.
  [[nodiscard]] value to_value() const&;
  [[nodiscard]] value to_value() &&;
  /// `type` and `hostname` are needed; a `utcoffset` that is no number, a `pid` or `clock` that is no integer is none.
  /// *On failure*: `decode`, where "event.<key>".
  [[nodiscard]] static expected<event> from_value(value v);
  friend bool operator==(event const&, event const&) = default;
};

/// What one message held. A bad event does not spoil its neighbours.
struct event_batch {
  std::vector<event> events;
  std::vector<error_info> refused;
};

/// Body of a message: a map is one event, a list a batch. *On failure*: `decode`, when it is neither.
[[nodiscard]] expected<event_batch> decode_events(std::string_view json);
[[nodiscard]] expected<event_batch> to_events(value body);
/// One event as a map.
[[nodiscard]] expected<std::string> encode_event(event const& e);
/// Several as a list, to be sent with `batch_routing_key`. Where one names no sender, it is `sender`.
[[nodiscard]] expected<std::string> encode_events(std::span<event const> events, std::string_view sender = {});

/// "worker-online" is sent with routing key "worker.online".
[[nodiscard]] std::string event_routing_key(std::string_view type);
inline constexpr char const* batch_routing_key = "task.multi";

}  // namespace lovage::wire
