// The JSON text that carries a message over Redis, SQL and other virtual transports of kombu (wire-format 5.2).
#pragma once

#include "wire/envelope.hpp"

#include <lovage/expected.hpp>

#include <string>
#include <string_view>

namespace lovage::wire {

/// Where the message was sent, and the publisher's own id for this delivery.
struct kombu_delivery {
  std::string exchange;
  std::string routing_key;
  std::string delivery_tag;  ///< a fresh UUID; decides nothing but must be unique among the unacknowledged
  bool redelivered = false;  ///< put back once: also written as header `redelivered`
  friend bool operator==(kombu_delivery const&, kombu_delivery const&) = default;
};

struct kombu_message {
  envelope message;
  kombu_delivery delivery;
  friend bool operator==(kombu_message const&, kombu_message const&) = default;
};

/// The text that Python pushes on the list, key for key; the body in base64.
///
///     auto text = to_kombu_json(*encoded, {"", "celery", random_uuid().str()});
///
/// *On failure*: `encode` (a header or property that JSON has no form for).
[[nodiscard]] expected<std::string> to_kombu_json(envelope const& message, kombu_delivery const& delivery);
/// The same with another body than `head` has, which may be large.
[[nodiscard]] expected<std::string> to_kombu_json(envelope head, std::string_view body, kombu_delivery const& delivery);

/// Reads what kombu of any release writes. `headers` missing or null are no headers, `body_encoding` missing or
/// "utf-8" is a plain body, a number serves as delivery tag, a missing priority stays missing.
/// *On failure*: `decode`, naming the part ("properties.delivery_tag"): each of these ends a Python worker.
[[nodiscard]] expected<kombu_message> from_kombu_json(std::string_view text);
/// The same from a JSON value already read (an element of `unacked` holds the envelope inside a list).
[[nodiscard]] expected<kombu_message> from_kombu_value(value&& v);

}  // namespace lovage::wire
