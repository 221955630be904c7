#include "worker/control_wiring.hpp"

namespace lovage::work {

node make_node(detail::app_state& app, worker_plan const& plan, pool::pool& jobs, consumer& source,
               lamport_clock& clock, std::function<void()> stop) {
  node out{app, plan.node, jobs, clock, plan.reserve, plan.concurrency};
  auto& parts = out.parts;
  parts.stop = std::move(stop);
  parts.tasks = [&source] { return source.tasks(deadline::in(command_limit)); };
  parts.totals = [&source] { return source.totals(deadline::in(command_limit)); };
  parts.queues = [&app, &plan] {
    std::vector<broker::queue_spec> specs;
    for (auto const& q : plan.queues)
      if (auto spec = app.publishing.where.queues().find(q)) specs.push_back(*std::move(spec));
    return specs;
  };
  return out;
}

}  // namespace lovage::work
