// Which tasks a request means.
#pragma once

#include "monitor/history.hpp"
#include "web/message.hpp"

namespace lovage::web {

/// The members of GET /api/v1/tasks' query: state, name, worker, queue, q, from, to, error, root. Throws
/// `error{invalid_argument}`. `masked`: asking for texts is refused, since answers would tell them.
[[nodiscard]] monitor::task_filter filter_of(fields const& query, bool masked);
/// The same of a JSON map.
[[nodiscard]] monitor::task_filter filter_of(value::map const& matching, bool masked);

}  // namespace lovage::web
