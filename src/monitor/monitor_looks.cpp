// The monitor's looks at what events do not tell, and the picture of each second.
#include "core/log.hpp"
#include "monitor/event_fields.hpp"
#include "monitor/monitor_parts.hpp"

#include <algorithm>

namespace lovage::monitor {

using namespace std::chrono_literals;

namespace {

std::map<std::string, std::vector<std::string>> consumers_of(std::vector<worker_picture> const& workers) {
  std::map<std::string, std::vector<std::string>> out;
  for (auto const& w : workers)
    if (w.said && w.seen.state == worker_state::online)
      for (auto const& queue : w.said->queues()) out[queue].push_back(w.seen.name);
  return out;
}

// Tasks that the worker runs since before the monitor heard it; and the processes of those it did hear.
void add_told_tasks(worker_picture& w, time_point listening_since) {
  auto const* items = w.said ? w.said->active.get_if<value::list>() : nullptr;
  if (items == nullptr) return;
  auto const text = [](value const& of, char const* key) {
    auto const* v = of.find(key);
    auto const* s = v ? v->get_if<std::string>() : nullptr;
    return s ? clean_text(*s, 256) : std::string{};
  };
  bool const fresh = w.seen.heard - w.said->asked < 20s;
  for (auto const& item : *items) {
    auto const id = text(item, "id");
    auto at = std::find_if(w.running.begin(), w.running.end(), [&](auto const& t) { return t.id == id; });
    if (at == w.running.end()) {
      auto const* start = item.find("time_start");
      auto const* seconds = start ? start->get_if<double>() : nullptr;
      if (!seconds || !fresh || id.empty()) continue;
      auto const begun =
          time_point{std::chrono::microseconds{static_cast<std::int64_t>(std::clamp(*seconds, 0.0, 4e9) * 1e6)}};
      bool const silent = w.seen.started == 0;  // it sends no events of tasks
      if (!silent && begun >= listening_since) continue;
      w.running.push_back({id, text(item, "name"), text(item, "args"), text(item, "kwargs"), w.seen.name, begun, {}});
      at = std::prev(w.running.end());
    }
    auto const* pid = item.find("worker_pid");
    if (auto const* n = pid ? pid->get_if<std::int64_t>() : nullptr) at->pid = *n;
  }
}

// Just there, and has not answered yet: it may have been asked before it listened.
bool is_new(worker_picture const& w, time_point now) {
  bool const answered = w.said && w.said->asked >= w.seen.since;
  return w.seen.state == worker_state::online && !answered && now - w.seen.since < 10s;
}

}  // namespace

void monitor::impl::look() {
  auto const now = app_->now();
  std::map<std::string, queue_traffic> traffic;
  {
    std::lock_guard const lock{seen_mutex_};
    traffic = traffic_;
  }
  expected<std::vector<queue_picture>> queues = fail(errc::unavailable, {});
  {
    std::lock_guard const lock{watch_mutex_};
    queues = queue_watch_.look(traffic, now);
  }
  std::map<std::string, std::uint64_t> backlog;
  if (queues) {
    for (auto& q : *queues) {
      backlog[q.name] = q.ready;
      if (q.ready == 0) continue;
      if (auto const oldest = kept_->oldest_waiting(q.name, deadline::in(1s)).value_or(std::nullopt))
        q.oldest = std::max(0.0, std::chrono::duration<double>(now - *oldest).count());
    }
  }
  {
    std::lock_guard const lock{seen_mutex_};
    queues_known_ = queues.has_value();
    broker_fault_ = queues ? std::string{} : queues.error().text();
    if (queues) {
      for (auto& q : *queues) note_age(q, now);
      queues_ = *std::move(queues);
      figures_.set_backlog(std::move(backlog), now);
    }
  }
  look_at_schedule(now);
}

// Senders may tell nothing. From a queue that is paused, or that no worker takes from, nothing goes: what was seen in
// it first is still there.
void monitor::impl::note_age(queue_picture& q, time_point now) {
  auto const may_take = [&](worker_record const& w) {
    auto const said = details_.find(w.name);
    if (w.state != worker_state::online || said == details_.end()) return w.state == worker_state::online;
    auto const queues = said->second.queues();
    return std::find(queues.begin(), queues.end(), q.name) != queues.end();
  };
  auto const workers = cluster_.workers();
  if (q.ready == 0 || (!q.paused && std::any_of(workers.begin(), workers.end(), may_take))) {
    untaken_.erase(q.name);
    return;
  }
  auto const since = untaken_.try_emplace(q.name, now).first->second;
  auto const age = std::chrono::duration<double>(now - since).count();
  q.oldest = std::max(q.oldest.value_or(0), age);
}

// Only when somebody wants to be told: a store of schedules may be a file that is made when it is asked for.
void monitor::impl::look_at_schedule(time_point now) {
  if (with_.rules.schedule_missed.count() <= 0 || now < next_schedule_) return;
  next_schedule_ = now + 10s;
  std::map<std::string, double> late;
  bool known = true;
  try {
    if (!schedule_) schedule_ = std::make_unique<periodic_tasks>(on_);
    for (auto const& entry : schedule_->list())
      if (entry.enabled && entry.due_at && *entry.due_at < now)
        late[entry.name] = std::chrono::duration<double>(now - *entry.due_at).count();
  } catch (std::exception const& e) {
    log::warning(std::string{"monitor: the schedule cannot be read: "} + e.what());
    schedule_.reset();
    known = false;
  }
  std::lock_guard const lock{seen_mutex_};
  schedule_known_ = known;
  if (known) late_ = std::move(late);
}

void monitor::impl::ask() {
  std::vector<std::string> names;
  {
    std::lock_guard const lock{seen_mutex_};
    for (auto const& w : cluster_.workers())
      if (w.state == worker_state::online) names.push_back(w.name);
  }
  auto said = worker_watch_.ask(names);
  if (!said) return log::warning("monitor: workers cannot be asked: " + said.error().text());
  std::lock_guard const lock{seen_mutex_};
  only_queue_.clear();
  for (auto& [name, details] : *said) {
    if (auto const queues = details.queues(); queues.size() == 1) only_queue_[name] = queues[0];
    details_[name] = std::move(details);
  }
  std::erase_if(details_, [&](auto const& d) { return !cluster_.worker(d.first); });
}

std::vector<worker_picture> monitor::impl::worker_pictures(time_point now) {
  cluster_.tick(now);
  std::map<std::string, std::vector<running_task>> running;
  for (auto& t : cluster_.running()) running[t.worker].push_back(std::move(t));
  std::vector<worker_picture> out;
  for (auto& w : cluster_.workers()) {
    auto const said = details_.find(w.name);
    worker_picture p;
    if (said != details_.end()) p.said = said->second;
    p.running = std::move(running[w.name]);
    p.seen = std::move(w);
    if (p.seen.state == worker_state::online) add_told_tasks(p, up_since_);
    out.push_back(std::move(p));
  }
  return out;
}

void monitor::impl::every_second() {
  auto const now = app_->now();
  auto made = std::make_shared<snapshot>();
  change what{{}, {}, true};
  {
    std::lock_guard const lock{seen_mutex_};
    seen_each_second_.push_back(events_seen_);
    if (seen_each_second_.size() > 61) seen_each_second_.pop_front();
    made->workers = worker_pictures(now);
    made->queues = queues_;
    for (auto const& [begin, m] : hour_)
      if (begin > now - 1h && now - begin >= 1min) made->last_hour += m.n;
    made->last_hour += figures_.running_minute(now).n;
    made->now = figures_.per_second(60s, now);
    auto const took = figures_.took(5min, now);
    made->run = percentiles::of(took.run), made->wait = percentiles::of(took.wait);
    made->queue = percentiles::of(took.queue);
    made->events.seen = events_seen_;
    auto const over = std::max<std::size_t>(1, seen_each_second_.size() - 1);
    made->events.rate = static_cast<double>(events_seen_ - seen_each_second_.front()) / static_cast<double>(over);
    made->history_fault = history_fault_, made->broker_fault = broker_fault_;
    what.workers = cluster_.take_changed();
  }
  {
    std::lock_guard const lock{pending_mutex_};
    made->events.pending = pending_.size() + writing_;
  }
  made->at = now, made->up_since = up_since_;
  made->events.connected = stream_.connected(), made->events.fault = stream_.fault();
  made->events.refused = stream_.refused();
  auto const consumers = consumers_of(made->workers);
  for (auto& q : made->queues)
    if (auto const at = consumers.find(q.name); at != consumers.end()) q.consumers = at->second;
  for (auto const& w : made->workers)
    if (w.seen.state == worker_state::online) made->active += w.running.size();
  if (std::any_of(made->workers.begin(), made->workers.end(), [&](auto const& w) { return is_new(w, now); }))
    ask_.hurry();
  step_alerts(*made);
  {
    std::lock_guard const lock{picture_mutex_};
    picture_ = std::move(made);
  }
  told_.tell(what);
}

observation monitor::impl::observe(snapshot const& of) {
  observation seen;
  std::lock_guard const lock{seen_mutex_};
  auto const n = figures_.total(5min, of.at);
  seen.succeeded = n.succeeded, seen.failed = n.failed;
  for (auto const& q : of.queues)
    if (q.oldest) seen.oldest[q.name] = *q.oldest;
  for (auto const& w : of.workers)
    if (w.seen.state == worker_state::lost)
      seen.lost[w.seen.name] = std::chrono::duration<double>(of.at - w.seen.heard).count();
  seen.late = late_;
  seen.knows_queues = queues_known_, seen.knows_schedule = schedule_known_;
  return seen;
}

void monitor::impl::step_alerts(snapshot& into) {
  auto const seen = observe(into);
  bool more = false;
  {
    std::lock_guard const lock{alerts_mutex_};
    for (auto& a : alerts_.step(seen, into.at)) {
      log::warning("alert " + std::string{a.resolved ? "is over: " : "begins: "} + a.text);
      for (auto const by : ways_of(with_.notify)) to_tell_[by].put(a);
      more = true;
    }
    into.alerts = alerts_.active();
  }
  if (more) tell_.hurry();
}

// Nobody waits for a mail server.
void monitor::impl::tell_alerts() {
  for (auto const by : ways_of(with_.notify)) tell_by(by);
}

void monitor::impl::tell_by(way by) {
  for (;;) {
    std::optional<alert> a;
    {
      std::lock_guard const lock{alerts_mutex_};
      a = to_tell_[by].due(app_->now());
    }
    if (!a) return;
    auto const done = notify(by, *a, with_.notify, app_->now(), deadline::in(10s));
    bool given_up = false;
    {
      std::lock_guard const lock{alerts_mutex_};
      if (done)
        to_tell_[by].taken();
      else
        given_up = to_tell_[by].refused(app_->now());
    }
    if (!done) log::error("alert: " + done.error().text() + (given_up ? "; it is given up" : "; it is tried again"));
  }
}

std::vector<alert> monitor::impl::recent_alerts() {
  std::lock_guard const lock{alerts_mutex_};
  return alerts_.recent();
}

std::vector<alert_rule_text> monitor::impl::rules() {
  std::lock_guard const lock{alerts_mutex_};
  return alerts_.rules();
}

}  // namespace lovage::monitor
