#pragma once

#include "broker/transport.hpp"

#include <memory>

namespace lovage::broker {

/// `redis://[user:password@]host[:port][/database]`, `rediss://`, `redis+socket:///path?virtual_host=0`,
/// `sentinel://host[:26379][/database]` with the transport option `master_name`; several separated by `;`. Keys,
/// channels and messages are kombu's: see docs/decisions/0006-redis.md. Connects once: error as the connection's.
[[nodiscard]] expected<std::shared_ptr<transport>> make_redis_transport(settings with, deadline until);

}  // namespace lovage::broker
