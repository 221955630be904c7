// What all workers are to know, as two streams of RabbitMQ: whoever comes reads them from the first message on, and is
// sent what comes later.
//
//   lovage.revoked   one revocation a message; kept for three hours. Whoever reads to its end writes a mark and waits
//                    until that comes back: RabbitMQ's count of a stream's messages lags behind
//   lovage.paused    names of the paused queues, one a line: the newest message counts
#pragma once

#include "broker/amqp/declarer.hpp"
#include "broker/amqp/publisher.hpp"
#include "broker/amqp/session.hpp"
#include "broker/revocation.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::broker::amqp {

[[nodiscard]] queue_spec revoked_stream();
[[nodiscard]] queue_spec paused_stream();
[[nodiscard]] letter notice(queue_spec const& stream, std::string body);

[[nodiscard]] std::string write_names(std::set<queue_name> const& names);
[[nodiscard]] std::set<queue_name> read_names(std::string_view body);

/// Reads a stream on a channel of the session, from "first" or from "last" on, which is the newest chunk. A server
/// without streams (before 3.9): error.
[[nodiscard]] expected<void> read_stream(session& on, std::uint16_t channel, queue_name const& stream,
                                         std::string const& tag, char const* from);
/// Sends without waiting for a confirm.
[[nodiscard]] expected<void> write_to(session& on, std::uint16_t channel, queue_name const& stream,
                                      std::string const& body);

}  // namespace lovage::broker::amqp
