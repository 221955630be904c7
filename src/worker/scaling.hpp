// An autoscaler at work: what it needs to know, and what it decides carried out.
#pragma once

#include "pool/pool.hpp"
#include "worker/autoscaler.hpp"
#include "worker/consumer.hpp"
#include "worker/plan.hpp"

#include <unordered_map>

namespace lovage::work {

/// Processor time of processes, summed over all that there ever were.
class cpu_meter {
 public:
  /// Seconds used so far. A process that is seen for the first time counts from its start.
  [[nodiscard]] double total(std::vector<int> const& pids);

 private:
  std::unordered_map<int, double> last_;
  double gone_ = 0;
};

/// *Threads*: `tick` one, `scaler` any.
class scaling {
 public:
  static constexpr std::chrono::milliseconds interval{500};

  /// `plan.autoscale` is set.
  scaling(worker_plan const& plan, pool::pool& jobs, consumer& source);
  /// Once per `interval`: grows or shrinks the pool when that is due, and what the consumer may hold with it.
  void tick();
  [[nodiscard]] autoscaler& scaler() noexcept { return scaler_; }

 private:
  worker_plan const& plan_;
  pool::pool& jobs_;
  consumer& source_;
  autoscaler scaler_;
  cpu_meter cpu_;
};

}  // namespace lovage::work
