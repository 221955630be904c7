// Tasks that are sent from a page or a script.
#pragma once

#include <lovage/app.hpp>
#include <lovage/value.hpp>

#include <string>

namespace lovage::web {

/// Of a JSON map, by the names of Celery's `apply_async`: queue, exchange, routing_key, countdown, eta, expires,
/// priority, task_id, serializer, compression, time_limit, soft_time_limit, ignore_result, headers, shadow. Times are
/// seconds, ISO texts, or Flower's "2026-11-30 14:00:00.0". Throws `error{invalid_argument}` for others.
[[nodiscard]] call_options options_of(value::map const& given);
/// The members `args` (a list) and `kwargs` (a map) of a body, and what remains. Throws `error{invalid_argument}`.
struct sending {
  value::list args;
  value::map kwargs, options;
};
[[nodiscard]] sending sending_of(value::map body);

}  // namespace lovage::web
