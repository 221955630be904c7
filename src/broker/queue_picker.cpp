#include "broker/queue_picker.hpp"

#include <algorithm>

namespace lovage::broker {

void queue_picker::add(int weight) {
  weights_.push_back(std::max(1, weight));
  credit_.push_back(0);
}

std::size_t queue_picker::pick(std::span<candidate const> from) {
  switch (how_) {
    case queue_order::strict: return 0;
    case queue_order::weighted: return weighted(from);
    case queue_order::fair: break;
  }
  return fair(from);
}

std::size_t queue_picker::fair(std::span<candidate const> from) {
  auto const n = queues();
  auto const distance = [&](candidate const& c) { return (c.queue + n - turn_) % n; };
  std::size_t best = 0;
  for (std::size_t i = 1; i < from.size(); ++i) {
    auto const& a = from[i];
    auto const& b = from[best];
    if (a.priority != b.priority ? a.priority > b.priority : distance(a) < distance(b)) best = i;
  }
  turn_ = (from[best].queue + 1) % n;
  return best;
}

// Each candidate earns its weight, the richest is served and pays for all: a heavy queue's turns are spread out.
std::size_t queue_picker::weighted(std::span<candidate const> from) {
  std::int64_t all = 0;
  std::size_t best = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    auto const q = from[i].queue;
    all += weights_[q];
    credit_[q] += weights_[q];
    if (credit_[q] > credit_[from[best].queue]) best = i;
  }
  credit_[from[best].queue] -= all;
  return best;
}

}  // namespace lovage::broker
