#include "worker/reserve_gauge.hpp"

#include <algorithm>
#include <cmath>

namespace lovage::work {
namespace {

constexpr double shortest_ns = 1'000;
// A longer task is believed at once, a shorter one bit by bit: holding too much delays others, too little costs speed.
constexpr double falling = 0.1;

}  // namespace

void reserve_gauge::ran(queue_name const& queue, std::chrono::nanoseconds time) {
  auto const ns = std::max(shortest_ns, static_cast<double>(time.count()));
  auto const [at, is_new] = mean_ns_.emplace(queue.str(), ns);
  if (is_new) return;
  auto& mean = at->second;
  auto const long_one = ns >= static_cast<double>(std::chrono::nanoseconds{moment}.count());
  mean += (ns - mean) * (long_one && ns > mean ? 0.5 : falling);
}

std::size_t reserve_gauge::limit(queue_name const& queue, std::size_t slots) const {
  auto const at = mean_ns_.find(queue.str());
  if (at == mean_ns_.end()) return std::min(slots, most_);
  auto const each = std::ceil(static_cast<double>(std::chrono::nanoseconds{moment}.count()) / at->second);
  auto const all = static_cast<double>(slots) * std::max(1.0, each);
  return static_cast<std::size_t>(std::min(all, static_cast<double>(std::max(slots, most_))));
}

}  // namespace lovage::work
