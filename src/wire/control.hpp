// Remote-control requests and replies as data (wire-format 10).
#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::wire {

/// Where the answer goes.
struct reply_address {
  std::string exchange;  ///< "reply.celery.pidbox"
  std::string routing_key;
  friend bool operator==(reply_address const&, reply_address const&) = default;
};

/// A command to every node, to named ones, or to those that fit a pattern.
///
///     control_request ping;
///     ping.method = "ping";
///     ping.ticket = random_uuid().str();
///     ping.reply_to = {"reply.celery.pidbox", my_oid};
struct control_request {
  std::string method;
  value::map arguments;
  std::optional<std::vector<std::string>> destination;  ///< node names; none: all
  std::optional<std::string> pattern, matcher;          ///< `matcher` is "glob" (default) or "pcre"
  std::optional<std::string> ticket;                    ///< echoed in the reply
  std::optional<reply_address> reply_to;                ///< none: no reply is wanted
  std::optional<std::int64_t> clock;                    ///< header
  std::optional<double> expires;                        ///< header, Unix seconds; workers do not check it

  [[nodiscard]] value body() const;
  [[nodiscard]] value::map headers() const;
  /// Only `method` is needed. A destination given as one text is a list of one: Python would search it as a text.
  /// A `clock` that is no integer is no clock. *On failure*: `decode`, where "request.<key>".
  [[nodiscard]] static expected<control_request> from(value body, value::map const& headers = {});
  friend bool operator==(control_request const&, control_request const&) = default;
};

/// One node's answer.
struct control_reply {
  std::string node;
  value payload;                      ///< {"ok": text}, {"error": text}, or what the command gives
  std::optional<std::string> ticket;  ///< header
  std::optional<std::int64_t> clock;  ///< header

  [[nodiscard]] value body() const;
  [[nodiscard]] value::map headers() const;
  /// *On failure*: `decode`, when the body is no map of exactly one node.
  [[nodiscard]] static expected<control_reply> from(value body, value::map const& headers = {});
  /// Text of an {"error": text} payload.
  [[nodiscard]] std::optional<std::string> error() const;
  friend bool operator==(control_reply const&, control_reply const&) = default;
};

}  // namespace lovage::wire
