#include "broker/queue_set.hpp"

#include <algorithm>

namespace lovage::broker {
namespace {

bool is_in(std::span<queue_name const> chosen, queue_name const& queue) {
  return chosen.empty() || std::find(chosen.begin(), chosen.end(), queue) != chosen.end();
}

}  // namespace

std::size_t queue_set::add(queue_name const& queue, int weight) {
  for (std::size_t i = 0; i < all_.size(); ++i)
    if (all_[i].name == queue) return all_[i].there = true, i;
  all_.push_back({queue, true, is_in(chosen_, queue)});
  picker_.add(weight);
  return all_.size() - 1;
}

std::optional<std::size_t> queue_set::remove(queue_name const& queue) {
  auto const place = find(queue);
  if (place) all_[*place].there = false;
  return place;
}

void queue_set::select(std::span<queue_name const> queues) {
  chosen_.assign(queues.begin(), queues.end());
  for (auto& q : all_) q.chosen = is_in(chosen_, q.name);
}

std::optional<std::size_t> queue_set::find(queue_name const& queue) const {
  for (std::size_t i = 0; i < all_.size(); ++i)
    if (all_[i].there && all_[i].name == queue) return i;
  return std::nullopt;
}

std::vector<std::size_t> queue_set::served() const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < all_.size(); ++i)
    if (serves(i)) out.push_back(i);
  return out;
}

}  // namespace lovage::broker
