#pragma once

#include "backend/result_backend.hpp"

#include <memory>

namespace lovage::backend {

/// `redis://`, `rediss://`, `redis+socket://`, `sentinel://` (src/redis/endpoint.hpp): Celery's keys and channels, so
/// that Python programs on the same database read what is stored here, and the other way round. Connects when it is
/// first used, and again whenever the connection is lost. Transport option: `global_keyprefix`.
///
/// A user of Redis' access lists needs get, mget, set, setex, del, publish, subscribe, unsubscribe, eval, evalsha,
/// ping, select, and the keys and channels `celery-task-meta-*`, `celery-taskset-meta-*` and `lovage.*`, with time,
/// ttl, pttl, expire, pexpire, persist, incrby, exists, setnx, sadd, zadd, zcard, zrange, zrangebyscore and zrem for
/// chords.
[[nodiscard]] expected<std::shared_ptr<result_backend>> make_redis_backend(settings with, deadline until);

}  // namespace lovage::backend
