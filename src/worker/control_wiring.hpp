// Which parts of a worker answer remote control.
#pragma once

#include "worker/consumer.hpp"
#include "worker/node.hpp"
#include "worker/plan.hpp"
#include "worker/presence.hpp"
#include "worker/scaling.hpp"

#include <functional>

namespace lovage::work {

/// *Lifetime*: all of them outlive the node. `scaler` may be null. `stop`: any thread.
[[nodiscard]] node make_node(detail::app_state& app, worker_plan const& plan, pool::pool& jobs, consumer& source,
                             autoscaler* scaler, lamport_clock& clock, std::function<void()> stop);
/// What it tells of itself and hears of others.
void wire_presence(node_parts& parts, presence& others);

}  // namespace lovage::work
