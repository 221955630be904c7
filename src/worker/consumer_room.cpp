// How much the consumer holds, of which queues, and what it gives back when others would run it sooner.
#include "core/log.hpp"
#include "worker/consumer.hpp"

#include <algorithm>
#include <bit>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;

// Where it learns: after this long without a free slot, what waits is given back.
constexpr auto given_back_after = 500ms;

}  // namespace

std::size_t consumer::slots() const {
  auto const n = pool_.concurrency();
  return n > 0 ? n : std::max<std::size_t>(1, options_.slots);
}

std::size_t consumer::rank(queue_name const& queue) const {
  auto const at = std::find_if(queues_.begin(), queues_.end(), [&](auto const& q) { return q.name == queue; });
  return static_cast<std::size_t>(at - queues_.begin());
}

void consumer::enter(std::uint64_t job, execute::request&& r) {
  ++by_queue_[r.queue.str()];
  waiting_octets_ += r.octets;
  if (auto const at = time_limits_.find(r.message.task); at != time_limits_.end()) {
    if (!r.message.hard_limit_s) r.options.time_limit_s = at->second.first;
    if (!r.message.soft_limit_s) r.options.soft_time_limit_s = at->second.second;
  }
  if (r.options.time_limit_s > 0 && !policy_.hard_limits && unlimited_.insert(r.message.task).second)
    log::warning("Task " + r.label() + " has a hard time limit, which the " + pool_.name() +
                     " pool cannot enforce: it runs without; said once for each name",
                 {{"task_id", r.message.id.str()}, {"task_name", r.message.task}});
  in_flight_.emplace(job, std::move(r));
}

std::optional<execute::request> consumer::leave(std::uint64_t job) {
  auto node = in_flight_.extract(job);
  if (node.empty()) return std::nullopt;
  auto& r = node.mapped();
  if (begun_.erase(job) == 0) waiting_octets_ -= r.octets;
  if (auto const at = by_queue_.find(r.queue.str()); at != by_queue_.end() && --at->second == 0) by_queue_.erase(at);
  auto const at = std::find_if(held_.begin(), held_.end(), [&](auto const& h) { return h.second == job; });
  if (at != held_.end()) {
    held_.erase(at);
    --held_of_[r.message.task];
  }
  return std::move(r);
}

// In the pool, and not begun.
bool consumer::waits(std::uint64_t job) const {
  if (begun_.contains(job)) return false;
  return std::none_of(held_.begin(), held_.end(), [&](auto const& h) { return h.second == job; });
}

std::size_t consumer::octets_left() const {
  if (options_.reserve_octets == broker::unbounded) return broker::unbounded;
  return options_.reserve_octets - std::min(options_.reserve_octets, waiting_octets_);
}

// Tasks that wait for their rate are few, and do not count: others pass them by. Octets count for all that waits; what
// runs has left the queue in here, so that one message larger than the bound gets its turn.
consumer::room consumer::room_now() const {
  if (octets_left() == 0) return {};
  auto const held = in_flight_.size() - held_.size() + owed_.held_up();
  if (options_.learns) return learnt_room(held);
  auto most = options_.reserve * slots() / std::max<std::size_t>(1, options_.slots);
  if (options_.only_free) most = std::min(most, slots());
  if (held < most) return {most - held};
  return options_.order == broker::queue_order::strict ? room_above_waiting() : room{};
}

// What a broker pushes ahead is meant for the pool as it began. More of it is needed when the pool has grown, and
// beside what waits for its rate: the broker counts that too, and nothing else would come. In steps, as each costs a
// turn.
void consumer::widen_what_is_pushed() {
  auto const planned = std::max<std::size_t>(1, options_.slots);
  auto const now = std::max({slots(), planned, widened_});
  auto const beside = held_.size() > beside_held_ ? std::bit_ceil(held_.size()) : beside_held_;
  if (now <= std::max(widened_, planned) && beside == beside_held_) return;
  widened_ = now;
  beside_held_ = beside;
  // Each queue has a share, and all that is held may be of one.
  to_.source->widen(options_.reserve * now / planned + beside * std::max<std::size_t>(1, queues_.size()));
}

// Short tasks are pushed ahead, long ones are fetched for a slot that is free. Not for every change: what waits at the
// broker's end of the line is given back each time.
void consumer::follow_learning() {
  auto const n = slots();
  for (auto const& q : queues_) {
    auto const limit = options_.only_free || stuck_ ? 0 : gauge_.limit(q.name, n);
    auto const wanted = limit <= n ? 0 : limit + beside_held_;
    auto& told = ahead_[q.name.str()];
    if (wanted == told || (wanted > told / 2 && wanted < 2 * told)) continue;
    told = wanted;
    to_.source->ahead(q.name, wanted);
  }
}

// A queue of long tasks gets what slots are free; one of short tasks a moment's work ahead.
consumer::room consumer::learnt_room(std::size_t held) const {
  room out;
  auto const n = slots();
  auto const free = n > held ? n - held : 0;
  if (stuck_ || held >= std::max(n, options_.reserve)) return {free};
  for (auto const& q : queues_) {
    auto const limit = gauge_.limit(q.name, n);
    auto const at = by_queue_.find(q.name.str());
    auto const have = at == by_queue_.end() ? 0 : at->second;
    auto const its = limit <= n ? free : limit - std::min(limit, have);
    if (its == 0) continue;
    out.most = out.from.empty() ? its : std::min(out.most, its);
    out.from.push_back(q.name);
  }
  if (out.from.size() == queues_.size()) out.from.clear();
  return out;
}

// All room is taken, but some of it by what is less important than what may come.
consumer::room consumer::room_above_waiting() const {
  std::size_t lowest = 0;
  for (auto const& [job, r] : in_flight_)
    if (waits(job)) lowest = std::max(lowest, rank(r.queue));
  room out{0};
  for (std::size_t i = 0; i < std::min(lowest, queues_.size()); ++i) out.from.push_back(queues_[i].name);
  if (!out.from.empty()) out.most = slots();
  return out;
}

// What no slot has begun, oldest first.
std::vector<std::uint64_t> consumer::withdraw() {
  auto out = pool_.withdraw();
  std::sort(out.begin(), out.end());
  return out;
}

// Strict: the less important work that waits is given back when no slot is free for what has just come.
void consumer::make_way(std::vector<std::uint64_t> const& fresh) {
  if (options_.order != broker::queue_order::strict || fresh.empty()) return;
  std::size_t best = queues_.size();
  for (auto const job : fresh)
    if (auto const at = in_flight_.find(job); at != in_flight_.end()) best = std::min(best, rank(at->second.queue));
  bool const passes = std::any_of(in_flight_.begin(), in_flight_.end(),
                                  [&](auto const& f) { return rank(f.second.queue) > best && waits(f.first); });
  if (!passes || in_flight_.size() - held_.size() <= slots()) return;
  std::vector<std::uint64_t> stay;
  for (auto const job : withdraw()) {
    auto const at = in_flight_.find(job);
    if (at == in_flight_.end()) continue;
    if (rank(at->second.queue) > best)
      release(job);
    else
      stay.push_back(job);
  }
  submit(stay);
}

void consumer::give_back_what_is_stuck(clock::time_point now) {
  if (!options_.learns || stuck_ || begun_.size() < slots() || now - last_start_ < given_back_after) return;
  if (in_flight_.size() - held_.size() <= begun_.size()) return;
  stuck_ = true;
  for (auto const job : withdraw()) release(job);
}

}  // namespace lovage::work
