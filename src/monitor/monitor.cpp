#include "monitor/monitor.hpp"

#include "core/log.hpp"
#include "monitor/event_fields.hpp"
#include "monitor/monitor_parts.hpp"
#include "monitor/why.hpp"

#include <algorithm>
#include <iterator>

namespace lovage::monitor {

using namespace std::chrono_literals;

monitor::monitor(app& on, monitor_settings with) : impl_{std::make_unique<impl>(on, std::move(with))} {}
monitor::~monitor() { stop(); }
expected<void> monitor::start() { return impl_->start(); }
void monitor::stop() { impl_->stop(); }
history& monitor::kept() noexcept { return *impl_->kept_; }
std::shared_ptr<void> monitor::subscribe(std::function<void(change const&)> tell) {
  return impl_->told_.add(std::move(tell));
}
std::shared_ptr<snapshot const> monitor::latest() const {
  std::lock_guard const lock{impl_->picture_mutex_};
  return impl_->picture_;
}
expected<series> monitor::chart(std::chrono::seconds span, std::chrono::seconds step, deadline until) {
  return impl_->chart(span, step, until);
}
expected<worker_details> monitor::ask_worker(std::string const& name, deadline until) {
  return impl_->ask_worker(name, until);
}
void monitor::look_again() {
  impl_->look_.hurry();
  impl_->ask_.hurry();
}
expected<std::optional<reason>> monitor::why(std::string const& id, deadline until) { return impl_->why(id, until); }
std::vector<alert> monitor::recent_alerts() const { return impl_->recent_alerts(); }
std::vector<alert_rule_text> monitor::alert_rules_text() const { return impl_->rules(); }
monitor_settings const& monitor::with() const noexcept { return impl_->with_; }

monitor::impl::impl(app& on, monitor_settings with)
    : app_{on.state()},
      with_{std::move(with)},
      on_{on},
      stream_{app_, [this](std::vector<wire::event> events) { take(std::move(events)); }},
      queue_watch_{app_},
      worker_watch_{app_},
      alerts_{with_.rules} {}

expected<void> monitor::impl::start() {
  if (started_) return {};
  if (auto fine = check(with_.notify); !fine) return fine;
  auto opened = history::open({with_.history_path, app_->now}, deadline::in(10s));
  if (!opened) return fail(opened.error());
  kept_ = *std::move(opened);
  up_since_ = app_->now();
  stopping_ = false;
  load_minutes();
  load_workers();
  started_ = true;
  stream_.start();
  write_.start(with_.write_every, [this] { write(); });
  look_.start(with_.look_every, [this] { look(); });
  ask_.start(with_.ask_every, [this] { ask(); });
  tell_.start(1s, [this] { tell_alerts(); });
  second_.start(1s, [this] { every_second(); });
  stream_.await_first(connect_within);
  return {};
}

void monitor::impl::stop() {
  if (!started_) return;
  {
    std::lock_guard const lock{pending_mutex_};
    stopping_ = true;
  }
  room_.notify_all();
  stream_.stop();
  worker_watch_.stop();
  for (auto* t : {&second_, &look_, &ask_, &tell_, &write_}) t->stop();
  write();  // what came last
  next_minutes_ = {};
  write_minutes();
  started_ = false;
}

void monitor::impl::load_minutes() {
  auto const now = app_->now();
  auto const past = kept_->minutes(now - 60min, now + 1min, deadline::in(5s));
  if (!past) return;
  for (auto const& m : *past) {
    if (now - m.begin < 1min)
      figures_.resume(m);
    else
      hour_[m.begin] = m;
  }
}

void monitor::impl::load_workers() {
  auto const oldest = with_.keep.age.count() > 0 ? app_->now() - with_.keep.age : time_point{};
  auto seen = kept_->seen_workers(deadline::in(5s));
  if (!seen) return log::warning("monitor: workers of before cannot be read: " + seen.error().text());
  std::erase_if(*seen, [&](auto const& w) { return w.heard < oldest; });
  cluster_.remember(*std::move(seen));
}

// A stock event of receiving does not name the queue; a worker that takes from one only can have it from nowhere else.
void monitor::impl::note_queue(wire::event& e) {
  if (e.type == "task-sent") {
    if (auto const queue = text_field(e, "queue", task_record::name_limit); !queue.empty() && traffic_.size() < 1'000)
      ++traffic_[queue].sent;
    return;
  }
  if (e.type != "task-received") return;
  auto queue = text_field(e, "queue", task_record::name_limit);
  if (auto const only = only_queue_.find(e.hostname); queue.empty() && only != only_queue_.end()) {
    queue = only->second;
    e.fields.push_back({"queue", queue});
  }
  if (!queue.empty() && traffic_.size() < 1'000) ++traffic_[queue].taken;
}

void monitor::impl::take(std::vector<wire::event> events) {
  auto const now = app_->now();
  {
    std::lock_guard const lock{seen_mutex_};
    events_seen_ += events.size();
    for (auto& e : events) {
      note_queue(e);
      cluster_.add(e, now);
      figures_.add(e, now);
    }
  }
  std::size_t octets = 0;
  for (auto const& e : events)
    for (auto const& f : e.fields)
      if (auto const* s = f.val.get_if<std::string>()) octets += s->size();
  std::unique_lock lock{pending_mutex_};
  room_.wait(lock,
             [&] { return stopping_ || (pending_.size() < most_pending && pending_octets_ < most_pending_octets); });
  std::move(events.begin(), events.end(), std::back_inserter(pending_));
  pending_octets_ += octets;
}

// One batch is one transaction. What could not be written is tried again, before what came later.
void monitor::impl::write() {
  for (;;) {
    if (unwritten_.empty()) {
      std::lock_guard const lock{pending_mutex_};
      unwritten_ = std::exchange(pending_, {});
      pending_octets_ = 0;
      writing_ = unwritten_.size();
    }
    room_.notify_all();
    if (unwritten_.empty() || !write_some(unwritten_)) break;
  }
  write_minutes();
  prune();
}

bool monitor::impl::write_some(std::vector<wire::event>& events) {
  while (!events.empty()) {
    auto const n = std::min(events.size(), batch);
    auto changed = kept_->add(std::span{events}.first(n), deadline::in(5s));
    {
      std::lock_guard const lock{seen_mutex_};
      history_fault_ = changed ? std::string{} : changed.error().text();
    }
    if (!changed) {
      log::warning("monitor: the history cannot be written, and is tried again: " + changed.error().text());
      return false;
    }
    events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(n));
    {
      std::lock_guard const lock{pending_mutex_};
      writing_ = events.size();
    }
    if (!changed->empty()) told_.tell({*std::move(changed), {}, false});
  }
  return true;
}

void monitor::impl::write_minutes() {
  auto const now = app_->now();
  if (now < next_minutes_) return;
  next_minutes_ = now + 10s;
  std::vector<minute> minutes;
  {
    std::lock_guard const lock{seen_mutex_};
    minutes = figures_.take_minutes(now);
    for (auto const& m : minutes) hour_[m.begin] = m;
    while (!hour_.empty() && hour_.begin()->first < now - 61min) hour_.erase(hour_.begin());
  }
  if (auto done = kept_->add_minutes(minutes, deadline::in(5s)); !done)
    log::warning("monitor: minutes cannot be written: " + done.error().text());
  write_workers();
}

// Those that were heard since they were written last.
void monitor::impl::write_workers() {
  std::vector<worker_record> heard;
  {
    std::lock_guard const lock{seen_mutex_};
    heard = cluster_.workers();
  }
  std::erase_if(heard, [&](auto const& w) { return w.heard <= workers_kept_; });
  if (auto done = kept_->keep_workers(heard, deadline::in(5s)); !done)
    return log::warning("monitor: workers cannot be written: " + done.error().text());
  for (auto const& w : heard) workers_kept_ = std::max(workers_kept_, w.heard);
}

void monitor::impl::prune() {
  auto const now = app_->now();
  if (now < next_prune_) return;
  for (int steps = 0; steps < 20; ++steps) {
    auto more = kept_->prune(with_.keep, deadline::in(5s));
    if (!more) log::warning("monitor: the history cannot be pruned: " + more.error().text());
    if (!more || !*more) {
      next_prune_ = now + 10s;
      return;
    }
  }
}

expected<series> monitor::impl::chart(std::chrono::seconds span, std::chrono::seconds step, deadline until) {
  auto const now = app_->now();
  if (span <= figures::kept && step < 60s) {
    std::lock_guard const lock{seen_mutex_};
    return figures_.recent(span, step, now);
  }
  auto past = kept_->minutes(now - span - step, now + 1min, until);
  if (!past) return fail(past.error());
  return series_of(*past, now - span, now, step);
}

expected<worker_details> monitor::impl::ask_worker(std::string const& name, deadline until) {
  return worker_watch{app_}.ask_one(name, until);
}

expected<std::optional<reason>> monitor::impl::why(std::string const& id, deadline until) {
  why_facts facts;
  auto task = kept_->task(id, until);
  if (!task) return fail(task.error());
  facts.task = *std::move(task);
  facts.now = app_->now();
  std::shared_ptr<snapshot const> picture;
  {
    std::lock_guard const lock{picture_mutex_};
    picture = picture_;
  }
  facts.queues = picture->queues;
  facts.workers = picture->workers;
  facts.queues_known = picture->broker_fault.empty();
  bool const may_be_dead = !facts.task || (facts.task->state != state::success && facts.task->state != state::started);
  if (may_be_dead) {
    std::lock_guard const lock{watch_mutex_};
    facts.dead = queue_watch_.dead_reason(facts.task ? facts.task->queue : std::string{}, id).value_or(std::nullopt);
  }
  if (facts.dead && !facts.task) return std::optional{reason{"dead", "it lies in the dead set: " + *facts.dead}};
  return why_not_running(facts);
}

}  // namespace lovage::monitor
