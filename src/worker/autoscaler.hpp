// How many slots a pool should have. Decides; what it knows and what becomes of it is others' work.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace lovage::work {

struct autoscale_limits {
  std::size_t max = 1, min = 1;
};

/// What a step is told.
struct pool_load {
  std::size_t size = 1;    ///< slots there are
  std::size_t demand = 0;  ///< tasks that run or wait in this worker
  bool more = false;       ///< it holds all it may: more tasks may wait in the broker
  std::uint64_t done = 0;  ///< tasks finished so far
  double cpu_s = 0;        ///< seconds of processor time used so far
  double cores = 1;
};

enum class autoscale_mode {
  by_demand,  ///< Celery's: as many as there are tasks at hand
  by_load,    ///< as many as pay: grows while tasks wait, throughput rises and processors are free
};

/// Grows at once, and shrinks when for half a minute fewer slots would have done, as Celery's keepalive.
///
/// *Threads*: `step` one; `limits` and `set_limits` any.
class autoscaler {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit autoscaler(autoscale_limits limits, autoscale_mode mode = autoscale_mode::by_demand);

  /// How many slots there should be from now on; `load.size` when nothing needs to change.
  [[nodiscard]] std::size_t step(pool_load const& load, time_point now);

  [[nodiscard]] autoscale_limits limits() const;
  /// Takes effect at the next step. Zero counts as one, and `min` as at most `max`.
  void set_limits(std::size_t max, std::size_t min);

 private:
  /// Where a measurement of throughput began.
  struct mark {
    time_point at{};
    std::uint64_t done = 0;
    double cpu_s = 0;
  };

  [[nodiscard]] std::size_t wanted(pool_load const& load) const;
  [[nodiscard]] std::size_t by_load(pool_load const& load, time_point now);
  [[nodiscard]] std::size_t shrunk(pool_load const& load, std::size_t want, time_point now);

  mutable std::mutex mutex_;
  autoscale_limits limits_;
  autoscale_mode const mode_;
  bool begun_ = false;
  time_point quiet_since_{};  ///< since when fewer slots would have done
  std::size_t peak_ = 0;      ///< most that were wanted since then
  mark mark_;
  std::size_t grown_from_ = 0;  ///< the size before the last growth, which is on trial; zero: none is
  double rate_before_ = 0;
  time_point hold_until_{};
};

}  // namespace lovage::work
