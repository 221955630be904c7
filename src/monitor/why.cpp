#include "monitor/why.hpp"

#include "wire/result_record.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lovage::monitor {
namespace {

using maybe = std::optional<reason>;

bool has(std::vector<std::string> const& all, std::string const& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

bool is_busy(worker_picture const& w) {
  auto const slots = w.said ? w.said->slots() : std::nullopt;
  auto const active = std::max(w.seen.active, static_cast<std::int64_t>(w.running.size()));
  return slots && *slots > 0 && active >= *slots;
}

bool is_online(worker_picture const& w) { return w.seen.state == worker_state::online; }

worker_picture const* find_worker(why_facts const& of, std::string const& name) {
  auto const at =
      std::find_if(of.workers.begin(), of.workers.end(), [&](auto const& w) { return w.seen.name == name; });
  return at == of.workers.end() ? nullptr : &*at;
}

maybe of_times(why_facts const& of) {
  auto const& t = *of.task;
  if (t.expires && *t.expires <= of.now)
    return reason{"expired", "it expired at " + wire::to_iso(*t.expires) + ": a worker that takes it drops it"};
  if (t.eta && *t.eta > of.now)
    return reason{"eta", "it is not to run before " + wire::to_iso(*t.eta) + " (eta or countdown)"};
  return std::nullopt;
}

maybe of_its_worker(why_facts const& of) {
  auto const& t = *of.task;
  auto const* w = find_worker(of, t.worker);
  if (w == nullptr || w->seen.state != worker_state::online)
    return reason{
        "worker_lost",
        fmt::format("worker {} has it and is {}; the broker gives it to another worker when the connection of "
                    "that one is lost, or its visibility timeout is over",
                    t.worker, w ? to_string(w->seen.state) : "not there")};
  if (t.state == state::started) return reason{"running", "it runs on " + t.worker};
  if (auto const limit = w->said ? w->said->rate_limit(t.name) : std::nullopt)
    return reason{"rate_limit", fmt::format("worker {} has it, and runs at most {} of {}", t.worker, *limit, t.name)};
  if (is_busy(*w))
    return reason{"busy", fmt::format("worker {} has it, and all of its slots are busy; grow its pool, or start more "
                                      "workers",
                                      t.worker)};
  return reason{"waiting", "worker " + t.worker + " has it and is about to run it"};
}

maybe of_its_queue(why_facts const& of, std::vector<worker_picture const*>& consumers) {
  auto const& t = *of.task;
  auto const at = std::find_if(of.queues.begin(), of.queues.end(), [&](auto const& q) { return q.name == t.queue; });
  if (at != of.queues.end() && at->paused)
    return reason{"paused", fmt::format("queue '{}' is paused; resume it", t.queue)};
  for (auto const& w : of.workers) {
    if (!is_online(w)) continue;
    bool const takes = t.queue.empty() || !w.said || has(w.said->queues(), t.queue);
    if (takes) consumers.push_back(&w);
  }
  if (!consumers.empty()) return std::nullopt;
  if (t.queue.empty()) return reason{"no_consumer", "no worker is online; start one"};
  return reason{"no_consumer", fmt::format("no worker that is online takes from queue '{0}'; start one with -Q {0}, or "
                                           "add the queue to one",
                                           t.queue)};
}

maybe of_waiting(why_facts const& of) {
  auto const& t = *of.task;
  std::vector<worker_picture const*> consumers;
  if (auto r = of_its_queue(of, consumers)) return r;
  bool const known = std::any_of(consumers.begin(), consumers.end(), [&](auto const* w) {
    return !w->said || w->said->registered.is_null() || t.name.empty() || has(w->said->tasks(), t.name);
  });
  if (!known)
    return reason{"not_registered", fmt::format("no worker that could take it knows a task '{}'; start one with the "
                                                "plug-in or module that has it",
                                                t.name)};
  if (std::all_of(consumers.begin(), consumers.end(), [](auto const* w) { return is_busy(*w); }))
    return reason{"busy", "all slots of the workers that could take it are busy; grow a pool, or start more workers"};
  auto const at = std::find_if(of.queues.begin(), of.queues.end(), [&](auto const& q) { return q.name == t.queue; });
  if (at != of.queues.end() && at->ready > 1)
    return reason{"waiting", fmt::format("{} messages wait in queue '{}'", at->ready, t.queue)};
  if (at != of.queues.end() && at->ready == 0 && of.queues_known)
    return reason{"waiting",
                  fmt::format("queue '{}' is empty: a worker has it without telling (start workers with -E), "
                              "or it was removed",
                              t.queue)};
  return reason{"waiting", "it waits for a worker to take it"};
}

}  // namespace

std::optional<reason> why_not_running(why_facts const& of) {
  if (!of.task)
    return reason{"not_known",
                  "no event of this task has been heard; is the id right, and do workers send events ('lovage worker "
                  "-E', 'celery worker -E')?"};
  auto const& t = *of.task;
  if (of.dead) return reason{"dead", "it lies in the dead set: " + *of.dead + "; mend the cause and redrive it"};
  if (t.state == state::success || t.state == state::failure) return std::nullopt;
  if (t.state == state::revoked) return reason{"revoked", "it was revoked, or expired; send it again"};
  if (t.state == state::rejected) return reason{"rejected", "a worker rejected it; its log says why"};
  if (auto r = t.state == state::started ? std::nullopt : of_times(of)) return r;
  if (t.state == state::retry)
    return reason{"retry", "it failed and is tried again: " + (t.exception.empty() ? "no reason told" : t.exception)};
  if (t.state != state::pending && !t.worker.empty()) return of_its_worker(of);
  return of_waiting(of);
}

}  // namespace lovage::monitor
