#include "pool/thread_pool.hpp"

#include "core/log.hpp"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>

namespace lovage::pool {
namespace {

using clock = std::chrono::steady_clock;

enum class phase {
  fresh,     ///< not started: jobs wait
  running,   ///< slots take jobs
  draining,  ///< no slot takes another job
  over,      ///< delivery has ended too
};

}  // namespace

struct thread_pool::shared {
  struct slot {
    std::uint64_t id = 0, done = 0;  ///< guarded by `m`, as are the flags
    bool busy = false, gone = false;
    std::atomic<bool> stop{false};
    std::atomic<clock::rep> since{0};  ///< zero: idle. Written without the lock, which a clock would hold for too long
    int thread = 0;
  };

  std::mutex m;
  std::condition_variable work, outgoing, settled;
  std::deque<job> waiting;
  std::vector<event> outbox;
  std::deque<slot> slots;  // a deque: slots hold an atomic and must not move
  std::size_t sleepers = 0, busy = 0;
  std::size_t too_many = 0;  ///< slots that shall end when they are free
  bool delivery_sleeps = false, delivery_ends = false;
  phase now = phase::fresh;
  runner run;
  event_sink sink;
  int const pid = static_cast<int>(::getpid());

  void put(event&& e, std::unique_lock<std::mutex>& lock);
  void slot_loop(slot& self);
  void deliver_loop();
  event run_one(slot& self, job&& what);
  std::vector<sighting> look();
};

namespace {

/// The job's view. Lives on the slot's stack.
template <class Shared, class Slot>
class thread_channel final : public job_channel {
 public:
  thread_channel(Shared& shared, Slot& slot, job const& what, clock::time_point began)
      : shared_{shared}, slot_{slot}, id_{what.id} {
    if (what.soft_limit) soft_ = began + *what.soft_limit;
  }
  void send(std::string_view message) override {
    event e{.kind = event_kind::message, .id = id_, .payload = std::string{message}, .reason = {}, .pid = shared_.pid};
    std::unique_lock lock{shared_.m};
    shared_.put(std::move(e), lock);
  }
  [[nodiscard]] stop_reason why_stop() const noexcept override {
    if (slot_.stop.load(std::memory_order_acquire)) return stop_reason::asked;
    return soft_ && clock::now() >= *soft_ ? stop_reason::soft_limit : stop_reason::none;
  }

 private:
  Shared& shared_;
  Slot& slot_;
  std::uint64_t id_;
  std::optional<clock::time_point> soft_;
};

std::string text_of(std::exception_ptr const& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (std::exception const& e) {
    return e.what();
  } catch (...) {
    return "not a std::exception";
  }
}

}  // namespace

/// Requires the lock; gives it back released.
void thread_pool::shared::put(event&& e, std::unique_lock<std::mutex>& lock) {
  if (now == phase::over) return lock.unlock();
  outbox.push_back(std::move(e));
  bool const wake = std::exchange(delivery_sleeps, false);
  lock.unlock();
  if (wake) outgoing.notify_one();
}

event thread_pool::shared::run_one(slot& self, job&& what) {
  auto const began = clock::now();
  self.since.store(began.time_since_epoch().count(), std::memory_order_relaxed);
  event e;
  e.id = what.id;
  e.pid = pid;
  thread_channel<shared, slot> channel{*this, self, what, began};
  try {
    e.payload = run(what.payload, channel);
  } catch (...) {  // the contract forbids it, but a worker must not die of one job
    e.kind = event_kind::lost;
    e.reason = "the runner threw: " + text_of(std::current_exception());
    log::critical("pool: a job's runner threw; " + e.reason);
  }
  e.runtime = clock::now() - began;
  self.since.store(0, std::memory_order_relaxed);
  return e;
}

/// One lock per job under load: the end of one job and the start of the next are noted together.
void thread_pool::shared::slot_loop(slot& self) {
  std::unique_lock lock{m};
  self.thread = ::gettid();
  while (true) {
    while (now == phase::running && waiting.empty() && too_many == 0) {
      ++sleepers;
      work.wait(lock);
      --sleepers;
    }
    if (now != phase::running) break;
    if (too_many > 0) {
      --too_many;
      self.gone = true;
      if (!waiting.empty()) work.notify_one();  // the wake-up was meant for a slot that stays
      break;
    }
    job mine = std::move(waiting.front());
    waiting.pop_front();
    self.id = mine.id;
    self.busy = true;
    self.stop.store(false, std::memory_order_relaxed);
    ++busy;
    event began;
    began.kind = event_kind::started;
    began.id = mine.id;
    began.pid = pid;
    put(std::move(began), lock);
    event ended = run_one(self, std::move(mine));
    lock.lock();
    self.busy = false;
    ++self.done;
    --busy;
    if (now == phase::over) break;
    outbox.push_back(std::move(ended));
    // With another job waiting, its `started` wakes the delivery for both.
    bool const last = waiting.empty() || now != phase::running;
    if (last && std::exchange(delivery_sleeps, false)) outgoing.notify_one();
    if (now != phase::running) settled.notify_all();
  }
}

std::vector<sighting> thread_pool::shared::look() {
  std::lock_guard const lock{m};
  std::vector<sighting> out;
  for (auto const& s : slots) {
    auto const since = s.since.load(std::memory_order_relaxed);
    if (s.busy && since != 0) out.push_back({s.id, s.thread, clock::time_point{clock::duration{since}}});
  }
  return out;
}

void thread_pool::shared::deliver_loop() {
  std::unique_lock lock{m};
  while (true) {
    while (outbox.empty() && !delivery_ends && now != phase::over) {
      delivery_sleeps = true;
      outgoing.wait(lock);
      delivery_sleeps = false;
    }
    if (now == phase::over || outbox.empty()) return;
    std::vector<event> batch;
    batch.swap(outbox);
    outbox.reserve(batch.size());
    lock.unlock();
    try {
      if (sink) sink(std::move(batch));
    } catch (...) {
      log::critical("pool: the event sink threw: " + text_of(std::current_exception()));
    }
    lock.lock();
  }
}

thread_pool::thread_pool(char const* name, std::size_t fixed)
    : name_{name}, fixed_{fixed}, shared_{std::make_shared<shared>()} {}

thread_pool::~thread_pool() { kill(); }

expected<void> thread_pool::start(options with) {
  if (!with.run) return fail(errc::invalid_argument, "a pool needs a runner", "options::run");
  auto const count = fixed_ != 0 ? fixed_ : with.concurrency;
  if (count == 0) return fail(errc::invalid_argument, "a pool needs at least one slot", "options::concurrency");
  {
    std::lock_guard lock{shared_->m};
    if (shared_->now != phase::fresh) return fail(errc::closed, "this pool was started or stopped before");
    shared_->run = std::move(with.run);
    shared_->sink = std::move(with.on_events);
    shared_->slots.resize(count);
    shared_->now = phase::running;
  }
  try {
    delivery_ = std::thread{[s = shared_] { s->deliver_loop(); }};
    for (auto& slot : shared_->slots) {
      slots_.emplace_back([s = shared_, &slot] { s->slot_loop(slot); });
    }
    if (with.watchdog.count() > 0)
      watchdog_ = std::make_unique<watchdog>(
          with.watchdog, [s = shared_] { return s->look(); },
          [s = shared_](event&& late) {
            std::unique_lock lock{s->m};
            s->put(std::move(late), lock);
          });
  } catch (std::system_error const& e) {
    auto const made = slots_.size();
    kill();
    return fail(errc::internal,
                "cannot make thread " + std::to_string(made + 1) + " of " + std::to_string(count) + ": " + e.what());
  }
  return {};
}

void thread_pool::submit(std::vector<job>&& jobs) {
  std::size_t wake = 0;
  {
    std::lock_guard lock{shared_->m};
    for (auto& j : jobs) shared_->waiting.push_back(std::move(j));
    wake = std::min(shared_->sleepers, jobs.size());
  }
  for (; wake > 0; --wake) shared_->work.notify_one();
}

std::vector<std::uint64_t> thread_pool::withdraw() {
  std::deque<job> taken;
  {
    std::lock_guard lock{shared_->m};
    taken.swap(shared_->waiting);
  }
  std::vector<std::uint64_t> ids;
  ids.reserve(taken.size());
  for (auto const& j : taken) ids.push_back(j.id);
  return ids;
}

void thread_pool::request_stop(std::uint64_t job_id) {
  std::lock_guard lock{shared_->m};
  for (auto& slot : shared_->slots) {
    if (slot.busy && (job_id == 0 || slot.id == job_id)) slot.stop.store(true, std::memory_order_release);
  }
}

bool thread_pool::stop(deadline until) {
  {
    std::unique_lock lock{shared_->m};
    if (shared_->now == phase::fresh) shared_->now = phase::over;
    if (shared_->now == phase::over && slots_.empty()) return true;
    if (shared_->now == phase::running) shared_->now = phase::draining;
    shared_->work.notify_all();
    auto const idle = [&] { return shared_->busy == 0; };
    if (until.is_never()) {
      shared_->settled.wait(lock, idle);
    } else if (!idle() && !shared_->settled.wait_for(
                              lock, std::min<clock::duration>(until.left(), std::chrono::hours{24}), idle)) {
      return false;
    }
    shared_->delivery_ends = true;
    shared_->outgoing.notify_all();
  }
  join(false);
  std::lock_guard lock{shared_->m};
  shared_->now = phase::over;
  return true;
}

void thread_pool::kill() {
  {
    std::lock_guard lock{shared_->m};
    shared_->now = phase::over;
    shared_->outbox.clear();
    for (auto& slot : shared_->slots) slot.stop.store(true, std::memory_order_release);
    shared_->work.notify_all();
    shared_->outgoing.notify_all();
  }
  join(true);
}

/// Waits for the threads; with `leave_busy` those inside a job are left to end by themselves.
void thread_pool::join(bool leave_busy) {
  watchdog_.reset();
  std::lock_guard resizing{resizing_};
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    auto& slot = shared_->slots[i];
    std::unique_lock lock{shared_->m};
    bool const leave = leave_busy && slot.busy;
    lock.unlock();
    if (leave) {
      slots_[i].detach();
    } else if (slots_[i].joinable()) {
      slots_[i].join();
    }
  }
  slots_.clear();
  if (delivery_.joinable()) delivery_.join();
}

std::size_t thread_pool::concurrency() const {
  std::lock_guard lock{shared_->m};
  return size();
}

/// With the lock of `shared`.
std::size_t thread_pool::size() const {
  std::size_t n = 0;
  for (auto const& slot : shared_->slots) n += slot.gone ? 0 : 1;
  return n - shared_->too_many;
}

expected<void> thread_pool::resize(std::size_t concurrency) {
  if (fixed_ != 0) return pool::resize(concurrency);
  if (concurrency == 0) return fail(errc::invalid_argument, "a pool needs at least one slot");
  std::lock_guard resizing{resizing_};
  std::unique_lock lock{shared_->m};
  if (shared_->now != phase::running) return fail(errc::closed, "the pool does not run");
  auto const have = size();
  if (concurrency <= have) {
    shared_->too_many += have - concurrency;
    shared_->work.notify_all();
    return {};
  }
  auto missing = concurrency - have;
  auto const stay = std::min(missing, shared_->too_many);
  shared_->too_many -= stay;
  missing -= stay;
  lock.unlock();
  for (; missing > 0; --missing) {
    if (auto ok = add_slot(); !ok) return ok;
  }
  return {};
}

/// With `resizing_`, without the lock of `shared`. In the place of a thread that has ended, or in a new one.
expected<void> thread_pool::add_slot() {
  std::unique_lock lock{shared_->m};
  auto& all = shared_->slots;
  std::size_t at = 0;
  while (at < all.size() && !all[at].gone) ++at;
  if (at == all.size()) {
    all.emplace_back();
    slots_.emplace_back();
  }
  auto& slot = all[at];
  slot.gone = true;
  lock.unlock();
  if (slots_[at].joinable()) slots_[at].join();  // it is past its loop
  lock.lock();
  try {
    slots_[at] = std::thread{[s = shared_, &slot] { s->slot_loop(slot); }};
  } catch (std::system_error const& e) {
    return fail(errc::internal, std::string{"cannot make a thread: "} + e.what());
  }
  slot.gone = false;
  slot.done = 0;
  return {};
}

std::vector<slot> thread_pool::slots() const {
  std::lock_guard lock{shared_->m};
  std::vector<lovage::pool::slot> out;
  for (auto const& slot : shared_->slots) {
    if (slot.gone) continue;
    clock::time_point const since{clock::duration{slot.busy ? slot.since.load(std::memory_order_relaxed) : 0}};
    out.push_back({shared_->pid, slot.busy ? slot.id : 0, slot.done, since});
  }
  return out;
}

void thread_pool::dump_stacks() { ask_for_stacks(shared_->look()); }

std::vector<int> thread_pool::pids() const { return {shared_->pid}; }

/// Celery's solo runs a job in the consumer's own thread: meanwhile it answers no ping, renews no lease and sends no
/// heartbeat. Ours has a thread of its own, so the worker stays alive; jobs still run strictly one after the other.
std::unique_ptr<pool> make_solo() { return std::make_unique<thread_pool>("solo", 1); }
std::unique_ptr<pool> make_threads() { return std::make_unique<thread_pool>("threads", 0); }

}  // namespace lovage::pool
