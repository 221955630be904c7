#pragma once

#include "broker/transport.hpp"

struct pg_conn;

namespace lovage::broker {

/// Writes the messages over somebody else's connection, in the transaction that it is in. Errors as of a session.
[[nodiscard]] expected<void> put_messages(pg_conn* over, std::span<outgoing const> messages);

}  // namespace lovage::broker
