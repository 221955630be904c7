// What the consumer holds until its time, and what it was told not to run; its orders from outside.
#include "core/log.hpp"
#include "worker/consumer.hpp"

#include <algorithm>
#include <cmath>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// Of a task with a rate limit as many are held as start within this time, at least one; others wait in the broker.
constexpr auto held_for = 2s;
constexpr double most_held = 100;
// A message is not sent away for longer: its limit may be lifted.
constexpr auto longest_away = 60s;

std::size_t most_held_at(double rate) {
  auto const some = rate * std::chrono::duration<double>(held_for).count();
  return static_cast<std::size_t>(std::clamp(std::ceil(some), 1.0, most_held));
}

}  // namespace

consumer::starts consumer::limit_rate(execute::request const& r, clock::time_point now) {
  auto const& task = r.message.task;
  auto const next = rates_.next(task, now);
  auto const rate = rates_.rate(task);
  if (next <= now) {
    (void)rates_.reserve(task, now);
    return starts::now;
  }
  bool const fits = held_.empty() || r.octets <= octets_left();
  if (fits && held_of_[task] < most_held_at(rate)) return starts::held;
  // One behind the other: else all would come back at once.
  auto& far = far_[task];
  far = std::max(far, next) + std::chrono::ceil<clock::duration>(std::chrono::duration<double>(1 / rate));
  if (far - now > longest_away) far = now + longest_away;
  auto const due = options_.now() + std::chrono::ceil<std::chrono::microseconds>(far - now);
  return execute::postpone(r, policy_, due, owed_.pending()) ? starts::elsewhere : starts::held;
}

void consumer::hold(std::uint64_t job, clock::time_point now) {
  auto const& task = in_flight_.at(job).message.task;
  held_.emplace(rates_.reserve(task, now), job);
  ++held_of_[task];
}

void consumer::let_go(clock::time_point now) {
  std::vector<std::uint64_t> due;
  while (!held_.empty() && held_.begin()->first <= now) {
    due.push_back(held_.begin()->second);
    --held_of_[in_flight_.at(due.back()).message.task];
    held_.erase(held_.begin());
  }
  hand_over(due);
}

consumer::clock::time_point consumer::next_start(clock::time_point otherwise) const {
  return held_.empty() ? otherwise : std::min(otherwise, held_.begin()->first);
}

bool consumer::is_revoked(execute::request const& r) const {
  return options_.revoked->is_revoked(r.message.id, r.message.stamps);
}

// Something new is not to run: what has not begun is looked at once more.
void consumer::drop_revoked() {
  auto const version = options_.revoked->version();
  if (std::exchange(revoked_version_, version) == version) return;
  std::vector<std::uint64_t> dropped;
  for (auto const& [job, r] : in_flight_)
    if (!begun_.contains(job) && is_revoked(r)) dropped.push_back(job);
  if (dropped.empty()) return;
  auto waiting = withdraw();  // what is not among them has begun meanwhile
  for (auto const job : dropped) {
    auto const at = std::find(waiting.begin(), waiting.end(), job);
    if (at == waiting.end() && waits(job)) continue;
    if (at != waiting.end()) waiting.erase(at);
    execute::revoke_request(*leave(job), policy_, "revoked", options_.now(), owed_.pending());
  }
  submit(waiting);
}

expected<void> consumer::add_queue(broker::queue_spec queue) {
  if (rank(queue.name) < queues_.size()) return {};
  if (auto done = to_.source->subscribe(queue, deadline::in(step_limit)); !done) return done;
  queues_.push_back(std::move(queue));
  return {};
}

expected<void> consumer::cancel_queue(queue_name const& queue) {
  auto const place = rank(queue);
  if (place == queues_.size()) return fail(errc::invalid_argument, "no consumer of this queue", queue.str());
  if (auto done = to_.source->unsubscribe(queue, deadline::in(step_limit)); !done) return done;
  queues_.erase(queues_.begin() + static_cast<std::ptrdiff_t>(place));
  return {};
}

expected<void> consumer::set_rate_limit(std::string const& task, std::string_view text) {
  if (policy_.tasks->find(task) == nullptr) return fail(errc::invalid_argument, "unknown task", task);
  auto const rate = read_rate(text);
  if (!rate) return fail(rate.error());
  rates_.set(task, *rate);
  far_.erase(task);
  std::vector<std::uint64_t> held;
  for (auto at = held_.begin(); at != held_.end();) {
    bool const its = in_flight_.at(at->second).message.task == task;
    if (its) held.push_back(at->second);
    at = its ? held_.erase(at) : std::next(at);
  }
  held_of_[task] = 0;
  for (auto const job : held) hold(job, steady_clock::now());
  return {};
}

expected<void> consumer::set_time_limits(std::string const& task, double hard_s, double soft_s) {
  if (policy_.tasks->find(task) == nullptr) return fail(errc::invalid_argument, "unknown task", task);
  if (hard_s > 0 && !policy_.hard_limits)
    return fail(errc::not_supported, std::string{"the "} + pool_.name() + " pool cannot enforce a hard time limit",
                task);
  time_limits_[task] = {std::max(0.0, hard_s), std::max(0.0, soft_s)};
  return {};
}

}  // namespace lovage::work
