// Messages that are fetched one by one, for a claim that waits: a worker never has one that no slot is free for,
// however many queues it serves. RabbitMQ cannot count what it pushes over all consumers of a channel where one reads a
// quorum queue; decision 0031 weighs the ways.
//
//   claim waits --> basic.get of a queue in turn --> message: handed in
//                                               \-> empty: the next queue; when all are, again after a pause that grows
#include "broker/amqp/subscriber.hpp"

#include <algorithm>

namespace lovage::broker::amqp {
namespace {

using namespace std::chrono_literals;

constexpr auto shortest_pause = 2ms, longest_pause = 50ms;

}  // namespace

void subscriber::ahead(queue_name const& queue, std::size_t most) {
  {
    std::lock_guard const lock{mutex_};
    auto const at = queues_.find(queue);
    if (!at) return;
    sources_[*at].ahead = most;
    sources_[*at].tuned = true;
  }
  session_.wake();
}

// Under `mutex_`.
bool subscriber::fetches_some() const {
  return std::any_of(served_.begin(), served_.end(), [this](auto const i) {
    auto const& s = sources_[i];
    return s.ahead ? *s.ahead == 0 : options_.fetches;
  });
}

bool subscriber::is_tuned(std::size_t source) {
  std::lock_guard const lock{mutex_};
  return std::exchange(sources_[source].tuned, false);
}

// A broadcast's queue is there for its consumer.
bool subscriber::is_fetched(std::size_t source) const {
  std::lock_guard const lock{mutex_};
  auto const& s = sources_[source];
  return !s.spec.broadcast && (s.ahead ? *s.ahead == 0 : options_.fetches);
}

// Asks for one, when a claim waits and none is on its way; when to be called again.
steady::time_point subscriber::fetch(session& on) {
  std::vector<std::size_t> served;
  {
    std::lock_guard const lock{mutex_};
    if (wanted_ > 0 && !asked_) served = served_;
  }
  std::erase_if(served, [&](auto const i) { return !is_fetched(i) || paused_.contains(sources_[i].spec.name); });
  if (served.empty()) return steady::time_point::max();
  if (steady::now() < next_look_) return next_look_;
  std::vector<queue_picker::candidate> full;
  for (auto const i : served)
    if (!bare_.contains(i)) full.push_back({i, 0});
  if (full.empty()) {
    bare_.clear();
    look_wait_ = std::clamp<std::chrono::milliseconds>(2 * look_wait_, shortest_pause, longest_pause);
    return next_look_ = steady::now() + look_wait_;
  }
  asked_ = full[turns_.pick(full)].queue;
  amqp_basic_get_t m{};
  m.queue = borrow(sources_[*asked_].queue.str());
  on.send(receiving_channel, AMQP_BASIC_GET_METHOD, &m);
  return steady::time_point::max();
}

void subscriber::fetched(std::optional<incoming>&& message) {
  if (!asked_) return;
  auto const source = *std::exchange(asked_, std::nullopt);
  if (!message) {
    bare_.insert(source);
    return session_.wake();
  }
  bare_.clear();
  look_wait_ = {};
  {
    std::lock_guard const lock{mutex_};
    if (wanted_ > 0) --wanted_;
  }
  arrive(source, *std::move(message));
}

}  // namespace lovage::broker::amqp
