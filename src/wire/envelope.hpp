// What a broker carries: an opaque body, the headers table and the basic properties (wire-format 2.1, 5.2).
#pragma once

#include <lovage/value.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace lovage::wire {

/// AMQP's basic properties as Celery uses them. Empty text means: not set.
struct properties {
  std::string correlation_id;
  std::string reply_to;
  std::optional<int> priority;
  std::uint8_t delivery_mode = 2;  ///< 2 persistent, 1 transient
  std::string expiration;          ///< whole milliseconds as text
  value::map extra;                ///< anything else a peer put there, kept
  friend bool operator==(properties const&, properties const&) = default;
};

struct envelope {
  std::string content_type;      ///< of the uncompressed body
  std::string content_encoding;  ///< "utf-8", "binary"
  value::map headers;
  wire::properties properties;
  std::string body;  ///< serialized, and compressed when headers say so
  friend bool operator==(envelope const&, envelope const&) = default;
};

}  // namespace lovage::wire
