#include "worker/consumer.hpp"

#include "core/log.hpp"
#include "execute/task_events.hpp"
#include "execute/workflow.hpp"
#include "worker/job_codec.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// `step_limit` when the worker ends and has tried before.
constexpr auto last_step_limit = 1s;

// The last one added: each conclusion closes one delivery.
execute::closing const& newest_closing(execute::effects const& of, std::size_t before) {
  return of.closings.size() > before ? of.closings.back() : of.sequels.back().closings.back();
}

}  // namespace

consumer::consumer(execute::policy policy, pool::pool& jobs, consumer_options options)
    : policy_{std::move(policy)},
      pool_{jobs},
      options_{std::move(options)},
      queues_{options_.queues},
      gauge_{options_.reserve},
      rates_{options_.rates},
      runs_{options_.result_expires},
      owed_{book_, options_.now, options_.result_expires,
            [this](backend::chord_end&& end, execute::ended_part const* by, execute::effects& out) {
              execute::conclude_chord(std::move(end), by, policy_, options_.now(), out);
            },
            options_.tell} {}

consumer::~consumer() { close(); }

void consumer::attach(connections to) {
  to_ = std::move(to);
  policy_.exchanges = to_.exchanges;
  policy_.chords = to_.results && to_.results->abilities().chords;
  owed_.attach(to_);
  clock_.emplace([this] { to_.source->interrupt(); });
  turned_ = steady_clock::now().time_since_epoch().count();
  attached_ = true;
}

void consumer::start() {
  thread_ = std::thread{[this] { run(); }};
}

void consumer::on_events(std::vector<pool::event>&& events) {
  {
    std::lock_guard const lock{mutex_};
    if (inbox_.empty()) {
      inbox_ = std::move(events);
    } else {
      inbox_.insert(inbox_.end(), std::make_move_iterator(events.begin()), std::make_move_iterator(events.end()));
    }
  }
  changed_.notify_all();
  to_.source->interrupt();
}

void consumer::on_started(std::uint64_t job) {
  if (auto const tag = book_.begun(job)) to_.source->started(*tag);
}

bool consumer::drain(deadline until) {
  draining_ = true;
  to_.source->interrupt();
  changed_.notify_all();
  std::unique_lock lock{mutex_};
  auto const done = [this] { return idle_ || !thread_.joinable(); };
  if (until.is_never()) return changed_.wait(lock, done), true;
  return changed_.wait_until(lock, until.when(), done);
}

void consumer::stop_thread() {
  {
    std::lock_guard const lock{mutex_};
    closing_ = true;
  }
  if (to_.source) to_.source->interrupt();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void consumer::close() {
  stop_thread();
  clock_.reset();
  if (to_.source) to_.source->close();
}

consumer_state consumer::state() const {
  consumer_state s;
  s.attached = attached_;
  s.consuming = s.attached && to_.source->consuming();
  s.draining = draining_ || closing_;
  s.in_flight = running_;
  s.active = active_;
  s.processed = processed_;
  s.turned = steady_clock::time_point{steady_clock::duration{turned_.load()}};
  return s;
}

void consumer::run() {
  while (!closing_) {
    try {
      turn();
    } catch (std::exception const& e) {
      log::critical(std::string{"consumer: "} + e.what());
      std::this_thread::sleep_for(100ms);  // a fault of ours must not become a busy loop
    }
  }
  collect();
  (void)owed_.flush(owed_.faults().count() == 0 ? step_limit : last_step_limit, steady_clock::now());
}

// One round: what the pool said becomes effects, effects reach backend and broker, free room is filled.
void consumer::turn() {
  auto const now = steady_clock::now();
  turned_ = now.time_since_epoch().count();
  collect();
  run_errands();
  drop_revoked();
  if (!draining_) let_go(now);
  give_back_what_is_stuck(now);
  if (!draining_ && policy_.chords) owed_.adopt_chords(step_limit, now);
  bool const claimed = draining_ || claim_again(now);
  bool const flushed = owed_.flush(step_limit, now);
  if (draining_) give_back_unstarted();
  running_ = in_flight_.size();
  active_ = begun_.size();
  widen_what_is_pushed();
  if (options_.learns) follow_learning();
  auto const free = flushed && claimed && !draining_ ? room_now() : room{};
  to_.source->allow(octets_left());
  if (free.most == 0) return wait(flushed);
  claim(free);
}

// Until the pool says something, or it is time to try again what failed.
void consumer::wait(bool flushed) {
  std::unique_lock lock{mutex_};
  idle_ = draining_ && in_flight_.empty() && owed_.empty() && inbox_.empty();
  if (idle_) changed_.notify_all();
  bool const more = !owed_.empty() && flushed && owed_.held_up() == 0;  // given back just now: it can go out at once
  if (more) return;
  auto const now = steady_clock::now();
  auto const pause = unclaimed_.empty() ? 1000ms : run_faults_.wait();
  auto const limit = next_start(now + (flushed ? pause : owed_.faults().wait()));
  changed_.wait_until(lock, limit, [&] { return closing_ || !errands_.empty() || (flushed && !inbox_.empty()); });
}

void consumer::collect() {
  std::vector<pool::event> events;
  {
    std::lock_guard const lock{mutex_};
    events.swap(inbox_);
  }
  for (auto& e : events) apply(e);
}

bool consumer::call(std::function<void()> what, deadline until) {
  auto const mine = std::make_shared<errand>(errand{std::move(what)});
  std::unique_lock lock{mutex_};
  if (closing_ || !thread_.joinable()) return false;
  errands_.push_back(mine);
  changed_.notify_all();
  lock.unlock();
  to_.source->interrupt();
  lock.lock();
  auto const taken = [&] { return mine->state != errand::waiting || closing_; };
  if (until.is_never())
    changed_.wait(lock, taken);
  else
    (void)changed_.wait_until(lock, until.when(), taken);
  if (mine->state == errand::waiting) mine->state = errand::given_up;
  changed_.wait(lock, [&] { return mine->state != errand::running; });
  return mine->state == errand::done;
}

void consumer::run_errands() {
  std::unique_lock lock{mutex_};
  for (auto const& e : std::exchange(errands_, {})) {
    if (e->state == errand::given_up) continue;
    e->state = errand::running;
    lock.unlock();
    e->what();
    lock.lock();
    e->state = errand::done;
    changed_.notify_all();
  }
}

std::optional<std::vector<task_view>> consumer::tasks(deadline until) {
  std::vector<task_view> out;
  bool const answered = call(
      [&] {
        for (auto const& [job, r] : in_flight_) {
          task_view v{task_phase::reserved, r.message,  r.queue,       r.priority,   job, r.settled, 0,
                      std::nullopt,         r.exchange, r.routing_key, r.redelivered};
          if (auto const at = begun_.find(job); at != begun_.end()) {
            v.phase = task_phase::active;
            v.pid = at->second.pid;
            v.started = at->second.since;
          }
          if (v.phase == task_phase::reserved && !waits(job)) v.phase = task_phase::scheduled;
          out.push_back(std::move(v));
        }
      },
      until);
  if (!answered) return std::nullopt;
  return out;
}

std::map<std::string, std::uint64_t> consumer::totals(deadline until) {
  std::map<std::string, std::uint64_t> out;
  (void)call([&] { out = totals_; }, until);
  return out;
}

void consumer::apply(pool::event& e) {
  auto const at = in_flight_.find(e.id);
  if (e.kind == pool::event_kind::overdue) return tell_overdue(e, at != in_flight_.end() ? &at->second : nullptr);
  if (at == in_flight_.end()) return;
  switch (e.kind) {
    case pool::event_kind::started: {
      auto const now = options_.now();
      if (begun_.insert_or_assign(e.id, run_facts{e.pid, now}).second) waiting_octets_ -= at->second.octets;
      ++totals_[at->second.message.task];
      last_start_ = steady_clock::now();
      stuck_ = false;
      return execute::conclude_started(at->second, e.pid, policy_, now, owed_.pending());
    }
    case pool::event_kind::message: return hear(at->second, e.payload);
    default: return finish(e.id, e);
  }
}

// One that has ended meanwhile is no news any more.
void consumer::tell_overdue(pool::event const& e, execute::request const* r) {
  auto const rest = fmt::format(" for {:.1f} s in process {}; its stack is in standard error",
                                std::chrono::duration<double>(e.runtime).count(), e.pid);
  if (r != nullptr)
    return log::warning("Task " + r->label() + " has been running" + rest,
                        {{"task_id", r->message.id.str()}, {"task_name", r->message.task}});
  if (e.id == 0) log::warning("Coroutine tasks are held up: one of them, or its middleware, has not waited" + rest);
}

// A plug-in that writes garbage has said nothing: its task goes on, and so do the others.
void consumer::hear(execute::request& r, std::string_view payload) {
  auto said = task_notice{};
  try {
    said = read_notice(payload);
  } catch (error const& e) {
    return log::warning("Task " + r.label() + ": what it said of itself cannot be read: " + e.what());
  }
  auto& out = owed_.pending();
  if (said.what == task_notice::kind::event)
    return execute::tell_own(r, policy_, said.name, said.data, options_.now(), out.events);
  execute::conclude_state(r, said.name, std::move(said.data), policy_, out);
}

void consumer::finish(std::uint64_t job, pool::event& e) {
  auto const left = leave(job);
  auto const& r = *left;
  stuck_ = false;
  if (options_.learns && e.runtime.count() > 0) gauge_.ran(r.queue, e.runtime);
  auto const now = options_.now();
  auto& out = owed_.pending();
  auto const before = out.closings.size();
  switch (e.kind) {
    case pool::event_kind::lost: execute::conclude_lost(r, e.reason, policy_, now, out); break;
    case pool::event_kind::terminated: execute::conclude_terminated(r, e.reason, policy_, now, out); break;
    case pool::event_kind::timed_out: execute::conclude_timed_out(r, policy_, now, out); break;
    default: execute::conclude(r, read_outcome(e.payload), policy_, now, e.runtime, out);
  }
  if (!newest_closing(out, before).over) book_.forget(job);
  ++processed_;
}

void consumer::give_back_unstarted() {
  std::vector<std::uint64_t> held;
  for (auto const& [when, job] : held_) held.push_back(job);
  for (auto const job : held) release(job);
  for (auto const& a : std::exchange(unclaimed_, {}))
    owed_.pending().closings.push_back({a.what.job, broker::disposition::release, {}, false});
  for (auto const job : pool_.withdraw()) release(job);
}

// Back to its queue: it is to run elsewhere, or later.
void consumer::release(std::uint64_t job) {
  auto const r = leave(job);
  if (!r) return;
  auto& out = owed_.pending();
  book_.forget(job);
  execute::closing end{job, broker::disposition::release, {}, false};
  auto again = r->settled ? detail::outgoing_of(r->message, r->queue,
                                                {policy_.publishing.serializer, policy_.publishing.compression, false})
                          : fail(errc::ok, "");
  if (again) {  // acknowledged before its run, which now does not come: it is sent again
    again->priority = r->priority;
    out.sequels.push_back({{*std::move(again)}, {}, {std::move(end)}});
  } else {
    out.closings.push_back(std::move(end));
  }
}

}  // namespace lovage::work
