// Which parts of a worker answer remote control.
#pragma once

#include "worker/consumer.hpp"
#include "worker/node.hpp"
#include "worker/plan.hpp"

#include <functional>

namespace lovage::work {

/// *Lifetime*: all of them outlive the node. `stop`: any thread.
[[nodiscard]] node make_node(detail::app_state& app, worker_plan const& plan, pool::pool& jobs, consumer& source,
                             lamport_clock& clock, std::function<void()> stop);

}  // namespace lovage::work
