#pragma once

#include "beat/schedule_store.hpp"

namespace lovage::beats {

/// `redis://` and its kin (src/redis/endpoint.hpp): keys `lovage.beat.*`, behind the `global_keyprefix` of the
/// transport options. Connects when it is first used, and again whenever the connection is lost.
///
/// A user of Redis' access lists needs eval, evalsha, time, hget, hmget, hset, hincrby, del, exists, set, expire, zadd,
/// zrem, zrange, zrangebyscore and those keys.
[[nodiscard]] expected<std::shared_ptr<schedule_store>> make_redis_store(store_settings with, deadline until);

}  // namespace lovage::beats
