// What a worker's options and the configuration come to.
#pragma once

#include "app/app_state.hpp"
#include "execute/request.hpp"
#include "pool/pool.hpp"
#include "worker/consumer.hpp"

#include <lovage/worker.hpp>

#include <string>
#include <vector>

namespace lovage::work {

struct worker_plan {
  pool_kind kind = pool_kind::prefork;
  std::size_t concurrency = 1, reserve = 4;
  std::string node;  ///< "celery@host"
  std::vector<queue_name> queues;
  bool task_events = false;
};

/// Throws `error{invalid_argument}`, naming what cannot be.
[[nodiscard]] worker_plan make_plan(detail::app_state const& app, worker_options const& options);
[[nodiscard]] execute::policy make_policy(detail::app_state const& app, worker_plan const& plan,
                                          pool::pool const& jobs);
[[nodiscard]] consumer_options make_consumer_options(detail::app_state const& app, worker_plan const& plan);
/// A hard limit on a pool that cannot kill would be a promise nobody keeps: throws `error{not_supported}` before the
/// first task.
void check_hard_limits(detail::app_state const& app, pool::pool const& jobs);

}  // namespace lovage::work
