#include "web/live.hpp"

#include "web/views.hpp"

#include <lovage/json.hpp>

#include <algorithm>
#include <utility>

namespace lovage::web {

void live::start() {
  subscription_ = eyes_.subscribe([this](monitor::change const& c) { heard(c); });
}

void live::stop() {
  subscription_.reset();
  std::vector<std::shared_ptr<event_queue>> all;
  {
    std::lock_guard const lock{mutex_};
    stopped_ = true;
    all.swap(queues_);
  }
  for (auto const& q : all) q->close();
}

std::size_t live::listeners() {
  std::lock_guard const lock{mutex_};
  std::erase_if(queues_, [](auto const& q) { return q->closed(); });
  return queues_.size();
}

std::shared_ptr<event_queue> live::listen() {
  if (listeners() >= most_listeners) return nullptr;
  auto out = std::make_shared<event_queue>();
  auto const now = eyes_.latest();
  out->push(make_event("hello", to_json(value::map{{"now", seconds_value(now->at)}}), true));
  for (auto const& e : pictures_of(*now, nullptr)) out->push(e);
  std::lock_guard const lock{mutex_};
  if (stopped_) return nullptr;
  queues_.push_back(out);
  return out;
}

std::vector<shared_event> live::pictures_of(monitor::snapshot const& s, std::set<std::string> const* only) {
  std::vector<shared_event> out;
  out.push_back(make_event("overview", to_json(overview_value(s)), true));
  out.push_back(make_event("queues", to_json(value::map{{"queues", list_value(s.queues, queue_value)}}), true));
  value::list workers;
  for (auto const& w : s.workers)
    if (!only || only->count(w.seen.name) > 0) workers.push_back(worker_value(w, masked_));
  auto const n = workers.size();
  if (n > 0) out.push_back(make_event("workers", to_json(value::map{{"workers", std::move(workers)}}), false, n));
  return out;
}

std::vector<shared_event> live::tasks_of(monitor::change const& c) {
  std::vector<shared_event> out;
  value::list tasks;
  {
    std::lock_guard const lock{mutex_};
    if (c.second) tasks_told_ = 0;
    auto const room = tasks_a_second - std::min(tasks_a_second, tasks_told_);
    auto const n = std::min(room, c.tasks.size());
    for (std::size_t i = c.tasks.size() - n; i < c.tasks.size(); ++i) tasks.push_back(task_value(c.tasks[i], masked_));
    tasks_told_ += n;
    tasks_more_ += c.tasks.size() - n;
  }
  std::size_t more = 0;
  if (c.second || !tasks.empty()) {
    std::lock_guard const lock{mutex_};
    more = std::exchange(tasks_more_, 0);
  }
  auto const n = tasks.size();
  if (n + more == 0) return out;
  out.push_back(make_event("tasks", to_json(value::map{{"tasks", std::move(tasks)}, {"more", more}}), false, n + more));
  return out;
}

void live::tell(std::vector<shared_event> const& what) {
  std::vector<std::shared_ptr<event_queue>> all;
  {
    std::lock_guard const lock{mutex_};
    std::erase_if(queues_, [](auto const& q) { return q->closed(); });
    all = queues_;
  }
  for (auto const& q : all)
    for (auto const& e : what) q->push(e);
}

// Called by the monitor's threads. Nothing is made when nobody listens.
void live::heard(monitor::change const& c) {
  if (listeners() == 0) return;
  tell(tasks_of(c));
  std::set<std::string> changed;
  {
    std::lock_guard const lock{mutex_};
    changed_.insert(c.workers.begin(), c.workers.end());
    if (c.second) changed.swap(changed_);
  }
  if (c.second) tell(pictures_of(*eyes_.latest(), &changed));
}

}  // namespace lovage::web
