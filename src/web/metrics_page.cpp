#include "web/metrics_page.hpp"

namespace lovage::web {
namespace {

using monitor::task_record;

struct event_kind {
  char const* type;
  std::optional<time_point> task_record::*at;
};
constexpr event_kind event_kinds[] = {
    {"task-sent", &task_record::sent},       {"task-received", &task_record::received},
    {"task-started", &task_record::started}, {"task-succeeded", &task_record::succeeded},
    {"task-failed", &task_record::failed},   {"task-retried", &task_record::retried},
    {"task-revoked", &task_record::revoked}, {"task-rejected", &task_record::rejected}};
constexpr std::size_t received_kind = 1, started_kind = 2, succeeded_kind = 3, failed_kind = 4, revoked_kind = 6;

std::string labels_of(std::string const& worker, std::string const& task) {
  return "task=\"" + health::escaped_label(task) + "\",worker=\"" + health::escaped_label(worker) + "\"";
}

void add_workers(health::metrics_page& out, monitor::snapshot const& now) {
  auto const worker = [](auto const& w) { return "worker=\"" + health::escaped_label(w.seen.name) + "\""; };
  out.head("flower_worker_online", "gauge", "Worker online status");
  for (auto const& w : now.workers)
    out.line("flower_worker_online", worker(w), std::uint64_t{w.seen.state == monitor::worker_state::online});
  out.head("flower_worker_number_of_currently_executing_tasks", "gauge",
           "Number of tasks currently executing at a worker");
  for (auto const& w : now.workers)
    out.line("flower_worker_number_of_currently_executing_tasks", worker(w), static_cast<std::uint64_t>(w.seen.active));
}

void add_queues(health::metrics_page& out, monitor::snapshot const& now) {
  auto const queue = [](auto const& q) { return "queue=\"" + health::escaped_label(q.name) + "\""; };
  out.head("lovage_queue_ready", "gauge", "Messages that wait in a queue");
  for (auto const& q : now.queues) out.line("lovage_queue_ready", queue(q), q.ready);
  out.head("lovage_queue_dead", "gauge", "Messages in a queue's dead set");
  for (auto const& q : now.queues)
    if (q.dead) out.line("lovage_queue_dead", queue(q), *q.dead);
  out.head("lovage_queue_oldest_seconds", "gauge", "How long the oldest message of a queue waits");
  for (auto const& q : now.queues)
    if (q.oldest) out.line("lovage_queue_oldest_seconds", queue(q), *q.oldest);
}

}  // namespace

metrics_page::counted& metrics_page::of(task_record const& t) {
  names key{t.worker, t.name};
  if (counts_.size() >= most_names && counts_.count(key) == 0) key = {"(others)", "(others)"};
  return counts_[std::move(key)];
}

metrics_page::moments& metrics_page::known_of(std::string const& id) {
  auto const [at, fresh] = tasks_.try_emplace(id);
  if (!fresh) {
    recent_.splice(recent_.end(), recent_, at->second.place);
    return at->second.at;
  }
  at->second.place = recent_.insert(recent_.end(), id);
  if (tasks_.size() > most_tasks) {
    tasks_.erase(recent_.front());
    recent_.pop_front();
  }
  return at->second.at;
}

void metrics_page::observe(std::vector<task_record> const& changed) {
  std::lock_guard const lock{mutex_};
  for (auto const& t : changed) {
    auto& before = known_of(t.id);
    auto& into = of(t);
    for (std::size_t i = 0; i < kinds; ++i) {
      auto const& at = t.*event_kinds[i].at;
      auto const moment = at ? at->time_since_epoch().count() : 0;
      if (moment == 0 || moment == before[i]) continue;
      before[i] = moment;
      ++into.events[i];
      if (i == succeeded_kind && t.runtime) into.runtime.add(*t.runtime);
      if (i == started_kind) into.prefetch_time = t.waited().value_or(0);
      if (i == succeeded_kind || i == failed_kind) into.prefetch_time = 0;
    }
  }
}

std::string metrics_page::text(monitor::snapshot const& now) {
  health::metrics_page out;
  std::lock_guard const lock{mutex_};
  out.head("flower_events_total", "counter", "Number of events");
  for (auto const& [key, c] : counts_)
    for (std::size_t i = 0; i < kinds; ++i)
      if (c.events[i] > 0)
        out.line("flower_events_total", labels_of(key.first, key.second) + ",type=\"" + event_kinds[i].type + "\"",
                 c.events[i]);
  out.head("flower_task_runtime_seconds", "histogram", "Task runtime");
  for (auto const& [key, c] : counts_)
    if (c.events[succeeded_kind] > 0)
      out.histogram("flower_task_runtime_seconds", labels_of(key.first, key.second), c.runtime);
  out.head("flower_task_prefetch_time_seconds", "gauge",
           "The time the task spent waiting at the celery worker to be executed.");
  for (auto const& [key, c] : counts_)
    out.line("flower_task_prefetch_time_seconds", labels_of(key.first, key.second), c.prefetch_time);
  out.head("flower_worker_prefetched_tasks", "gauge", "Number of tasks of given type prefetched at a worker");
  for (auto const& [key, c] : counts_) {
    auto const came = c.events[received_kind], gone = c.events[started_kind] + c.events[revoked_kind];
    out.line("flower_worker_prefetched_tasks", labels_of(key.first, key.second),
             std::uint64_t{came > gone ? came - gone : 0});
  }
  add_workers(out, now);
  add_queues(out, now);
  return std::move(out.text);
}

}  // namespace lovage::web
