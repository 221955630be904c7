// What a worker's options and the configuration come to.
#pragma once

#include "app/app_state.hpp"
#include "execute/request.hpp"
#include "pool/pool.hpp"
#include "worker/autoscaler.hpp"
#include "worker/consumer.hpp"

#include <lovage/worker.hpp>

#include <optional>
#include <string>
#include <vector>

namespace lovage::work {

struct worker_plan {
  pool_kind kind = pool_kind::prefork;
  std::size_t concurrency = 1;  ///< slots to begin with
  std::size_t reserve = 4;      ///< messages held at most, when the pool has its full size
  std::size_t multiplier = 4;   ///< the prefetch multiplier; zero: no limit but the worker's own
  std::optional<autoscale_limits> autoscale;
  autoscale_mode autoscale_by = autoscale_mode::by_demand;
  std::string node;  ///< "celery@host"
  std::vector<queue_name> queues;
  std::vector<int> weights;  ///< of those
  broker::queue_order order = broker::queue_order::fair;
  bool learns = false;     ///< prefetch multiplier "auto"
  bool only_free = false;  ///< `worker_disable_prefetch`
  std::string state_db;    ///< file of revocations; empty: none

  [[nodiscard]] broker::consumer_options of_consumer() const;
};

/// Messages to hold for a pool of this size.
[[nodiscard]] std::size_t reserve_for(worker_plan const& plan, std::size_t concurrency);

/// Throws `error{invalid_argument}`, naming what cannot be.
[[nodiscard]] worker_plan make_plan(detail::app_state const& app, worker_options const& options);
[[nodiscard]] execute::policy make_policy(detail::app_state const& app, worker_plan const& plan,
                                          pool::pool const& jobs);
[[nodiscard]] consumer_options make_consumer_options(detail::app_state const& app, worker_plan const& plan);
/// A hard limit on a pool that cannot kill would be a promise nobody keeps: throws `error{not_supported}` before the
/// first task.
void check_hard_limits(detail::app_state const& app, pool::pool const& jobs);
/// What the settings ask of the pool; the runners are not set.
[[nodiscard]] pool::options make_pool_options(detail::app_state const& app, worker_plan const& plan);

}  // namespace lovage::work
