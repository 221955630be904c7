#pragma once

#include "broker/topology.hpp"
#include "worker/plan.hpp"

#include <string>
#include <vector>

namespace lovage::work {

struct banner_facts {
  std::string node, broker, results, pool;
  std::string concurrency;  ///< "4", or "{min=1, max=4}" where it scales itself
  std::size_t reserve = 0;
  std::string health;  ///< URL, or empty
  std::vector<broker::queue_spec> queues;
  std::vector<std::string> tasks;
};

/// `health`: where it answers probes, or empty.
[[nodiscard]] banner_facts banner_of(detail::app_state const& app, worker_plan const& plan, pool::pool const& jobs,
                                     std::string health);
/// The start-up text of a worker, in the shape Celery's users know.
[[nodiscard]] std::string banner(banner_facts const& facts);

}  // namespace lovage::work
