// Which tasks a request means.
#pragma once

#include "monitor/history.hpp"
#include "web/message.hpp"

namespace lovage::web {

struct site;

/// The members of GET /api/v1/tasks' query: state, name, worker, queue, q, from, to, error, root, periodic. Throws
/// `error{invalid_argument}`, also when texts are asked for that are masked, since answers would tell them, and
/// `error{not_registered}` for a periodic task that is not there.
[[nodiscard]] monitor::task_filter filter_of(site& s, fields const& query);
/// The same of a JSON map.
[[nodiscard]] monitor::task_filter filter_of(site& s, value::map const& matching);

}  // namespace lovage::web
