// Every command's function; the table in control_commands.cpp names them.
#pragma once

#include "worker/control_commands.hpp"

namespace lovage::work::commands {

using answer = std::optional<value>;
using arguments = value::map const&;

// asking.cpp
answer ping(node&, arguments), clock(node&, arguments), active(node&, arguments), reserved(node&, arguments),
    scheduled(node&, arguments), revoked(node&, arguments), registered(node&, arguments), query_task(node&, arguments);
// stats.cpp
answer stats(node&, arguments), memsample(node&, arguments), memdump(node&, arguments), objgraph(node&, arguments);
// settings.cpp
answer conf(node&, arguments), report(node&, arguments);
// tasks.cpp
answer revoke(node&, arguments), terminate(node&, arguments), revoke_by_stamped_headers(node&, arguments),
    rate_limit(node&, arguments), time_limit(node&, arguments);
// pool.cpp
answer pool_grow(node&, arguments), pool_shrink(node&, arguments), pool_restart(node&, arguments),
    autoscale(node&, arguments), shutdown(node&, arguments);
// queues.cpp
answer add_consumer(node&, arguments), cancel_consumer(node&, arguments), active_queues(node&, arguments);
// peers.cpp
answer enable_events(node&, arguments), disable_events(node&, arguments), heartbeat(node&, arguments),
    hello(node&, arguments), election(node&, arguments);

/// What the worker holds; refused when it does not answer in time.
[[nodiscard]] std::vector<task_view> tasks_of(node& on);

}  // namespace lovage::work::commands
