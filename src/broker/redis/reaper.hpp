// Giving back what nobody cares for any more.
#pragma once

#include "broker/redis/parts.hpp"

namespace lovage::broker::redis_broker {

/// The key that says which messages of a session run.
[[nodiscard]] std::string marks_key(shared const& on, std::string_view session);

/// Claims of lovage workers without a sign of life for a lease: back to the front of their lists, the oldest in front.
/// An attempt is counted for those that had begun: those the worker's keeper wrote down, and the oldest claim of the
/// session, which had begun if anything had. Number given back. Errors: as the connection's.
[[nodiscard]] expected<std::size_t> reap(shared const& on, rd::client& over, deadline until);

/// Messages of Python workers that were not acknowledged within the visibility timeout, as kombu restores them. Number
/// given back; zero also when another process is at it.
[[nodiscard]] expected<std::size_t> restore_pythons(shared const& on, rd::client& over, deadline until);

}  // namespace lovage::broker::redis_broker
