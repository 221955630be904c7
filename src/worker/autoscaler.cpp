#include "worker/autoscaler.hpp"

#include <algorithm>
#include <utility>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;

constexpr auto keepalive = 30s;
// A measurement lasts until each slot has ended a task, within these.
constexpr auto measured_at_least = 1s, measured_at_most = 5s;
// A growth that brings less is taken back, and none is tried for a while.
constexpr double worth_it = 1.05;
constexpr auto hold = 60s;
constexpr double processors_are_full = 0.9;

}  // namespace

autoscaler::autoscaler(autoscale_limits limits, autoscale_mode mode) : mode_{mode} {
  set_limits(limits.max, limits.min);
}

autoscale_limits autoscaler::limits() const {
  std::lock_guard const lock{mutex_};
  return limits_;
}

void autoscaler::set_limits(std::size_t max, std::size_t min) {
  std::lock_guard const lock{mutex_};
  limits_.max = std::max<std::size_t>(1, max);
  limits_.min = std::clamp<std::size_t>(min, 1, limits_.max);
}

std::size_t autoscaler::step(pool_load const& load, time_point now) {
  std::lock_guard const lock{mutex_};
  if (!begun_) {
    begun_ = true;
    quiet_since_ = now;
    mark_ = {now, load.done, load.cpu_s};
  }
  if (load.size < limits_.min || load.size > limits_.max) return std::clamp(load.size, limits_.min, limits_.max);
  auto const want = wanted(load);
  if (want < load.size) return shrunk(load, want, now);
  quiet_since_ = now;
  peak_ = 0;
  return mode_ == autoscale_mode::by_demand ? want : by_load(load, now);
}

// What it holds is all it knows of what waits: while that is the most it may hold, half as many again are tried.
std::size_t autoscaler::wanted(pool_load const& load) const {
  auto const guess = load.more ? load.size + std::max<std::size_t>(1, load.size / 2) : 0;
  return std::clamp(std::max(load.demand, guess), limits_.min, limits_.max);
}

std::size_t autoscaler::shrunk(pool_load const& load, std::size_t want, time_point now) {
  peak_ = std::max(peak_, want);
  mark_ = {now, load.done, load.cpu_s};  // a rate without backlog says nothing of what the pool could do
  grown_from_ = 0;
  if (now - quiet_since_ < keepalive) return load.size;
  quiet_since_ = now;
  return std::exchange(peak_, 0);
}

// Tasks wait. Where they mostly compute, cores × wall time / processor time of a task is the size that fills the
// machine; on the way there, what does not raise throughput (a database that is the bottleneck) is taken back.
std::size_t autoscaler::by_load(pool_load const& load, time_point now) {
  auto const lasted = now - mark_.at;
  auto const ended = load.done - mark_.done;
  if (lasted < measured_at_least || (ended < load.size && lasted < measured_at_most)) return load.size;
  auto const seconds = std::chrono::duration<double>(lasted).count();
  auto const rate = static_cast<double>(ended) / seconds;
  auto const cores_used = (load.cpu_s - mark_.cpu_s) / seconds;
  mark_ = {now, load.done, load.cpu_s};
  if (grown_from_ != 0 && rate < rate_before_ * worth_it) {
    hold_until_ = now + hold;
    return std::clamp(std::exchange(grown_from_, 0), limits_.min, limits_.max);
  }
  grown_from_ = 0;
  if (now < hold_until_ || load.size == limits_.max || cores_used > load.cores * processors_are_full) return load.size;
  auto const size = static_cast<double>(load.size);
  auto const fills = load.cores * size / std::max(cores_used, 0.001);
  auto const next = static_cast<std::size_t>(std::clamp(fills, size + 1, size * 2));
  grown_from_ = load.size;
  rate_before_ = rate;
  return std::min(next, limits_.max);
}

}  // namespace lovage::work
