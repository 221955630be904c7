#include "pool/coroutine_pool.hpp"

#include "core/log.hpp"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <unordered_map>

namespace lovage::pool {
namespace {

using clock = std::chrono::steady_clock;

enum class stage { fresh, running, draining, over };

}  // namespace

struct coroutine_pool::shared : std::enable_shared_from_this<shared> {
  std::mutex m;
  std::condition_variable work, outgoing, settled;
  std::deque<job> waiting;
  std::deque<std::function<void()>> called;  ///< what jobs have the opener run
  std::vector<event> outbox;
  std::unordered_map<std::uint64_t, std::shared_ptr<open_job>> running;
  std::multimap<clock::time_point, std::uint64_t> limits;  ///< soft limits to come, of jobs that may be over
  std::size_t concurrency = 0;
  stage now = stage::fresh;
  bool opening = false, opener_ended = false, delivery_ends = false;
  opener open;
  event_sink sink;
  int const pid = static_cast<int>(::getpid());

  void open_loop();
  void open_next(std::unique_lock<std::mutex>& lock);
  void run_called(std::unique_lock<std::mutex>& lock);
  bool call(std::function<void()> f);
  void deliver_loop();
  void tell_expired(std::unique_lock<std::mutex>& lock);
  void put(event&& e);
  void finished(event&& e);
};

namespace {

template <class Shared>
class job_on final : public open_job {
 public:
  job_on(std::shared_ptr<Shared> of, job const& what)
      : of_{std::move(of)}, id_{what.id}, soft_{what.soft_limit ? began_ + *what.soft_limit : never} {}

  void send(std::string_view message) override {
    event e;
    e.kind = event_kind::message;
    e.id = id_;
    e.pid = of_->pid;
    e.payload = message;
    std::lock_guard lock{of_->m};
    of_->put(std::move(e));
  }
  [[nodiscard]] stop_reason why_stop() const noexcept override {
    if (asked_.load(std::memory_order_acquire)) return stop_reason::asked;
    return soft_ != never && clock::now() >= soft_ ? stop_reason::soft_limit : stop_reason::none;
  }
  void finish(std::string outcome) override {
    {
      std::lock_guard lock{m_};
      if (over_) return;
      over_ = true;
      stop_ = nullptr;
    }
    event e;
    e.kind = cancelled_ ? event_kind::terminated : event_kind::finished;
    if (cancelled_) e.reason = "cancelled";
    e.id = id_;
    e.pid = of_->pid;
    e.payload = std::move(outcome);
    e.runtime = clock::now() - began_;
    of_->finished(std::move(e));
  }
  void when_stopped(std::function<void()> stop) override {
    std::lock_guard lock{m_};
    if (over_) return;
    if (why_stop() != stop_reason::none) return stop();
    stop_ = std::move(stop);
  }
  bool on_opener(std::function<void()> f) override { return of_->call(std::move(f)); }

  /// Tells it that it shall end, for the reason that `why_stop` gives.
  void tell() {
    std::lock_guard lock{m_};
    if (auto const stop = std::exchange(stop_, nullptr)) stop();
  }
  /// However it ends from now on, it was terminated.
  void cancel() {
    cancelled_.store(true, std::memory_order_release);
    ask();
  }
  void ask() {
    asked_.store(true, std::memory_order_release);
    tell();
  }
  [[nodiscard]] clock::time_point began() const noexcept { return began_; }
  [[nodiscard]] clock::time_point soft() const noexcept { return soft_; }

  static constexpr clock::time_point never = clock::time_point::max();

 private:
  std::shared_ptr<Shared> of_;
  std::uint64_t id_;
  clock::time_point const began_ = clock::now();
  clock::time_point const soft_;
  std::atomic<bool> asked_{false}, cancelled_{false};
  std::mutex m_;  ///< held while `stop_` is called, so that it is never called after `finish`
  std::function<void()> stop_;
  bool over_ = false;
};

}  // namespace

/// With the lock.
void coroutine_pool::shared::put(event&& e) {
  if (now == stage::over) return;
  outbox.push_back(std::move(e));
  if (outbox.size() == 1) outgoing.notify_one();
}

void coroutine_pool::shared::finished(event&& e) {
  std::shared_ptr<open_job> last;  // released without the lock
  std::lock_guard lock{m};
  auto node = running.extract(e.id);
  if (!node.empty()) last = std::move(node.mapped());
  put(std::move(e));
  if (!waiting.empty()) work.notify_one();
  if (now != stage::running && running.empty()) settled.notify_all();
}

void coroutine_pool::shared::open_loop() {
  std::unique_lock lock{m};
  while (now != stage::over && !delivery_ends) {
    if (!called.empty()) {
      run_called(lock);
    } else if (now == stage::running && !waiting.empty() && running.size() < concurrency) {
      open_next(lock);
    } else {
      work.wait(lock);
    }
  }
  opener_ended = true;
}

bool coroutine_pool::shared::call(std::function<void()> f) {
  std::lock_guard lock{m};
  if (opener_ended || now == stage::over) return false;
  called.push_back(std::move(f));
  work.notify_one();
  return true;
}

void coroutine_pool::shared::run_called(std::unique_lock<std::mutex>& lock) {
  auto f = std::move(called.front());
  called.pop_front();
  opening = true;
  lock.unlock();
  std::exchange(f, nullptr)();
  lock.lock();
  opening = false;
  if (now != stage::running) settled.notify_all();
}

void coroutine_pool::shared::open_next(std::unique_lock<std::mutex>& lock) {
  job next = std::move(waiting.front());
  waiting.pop_front();
  auto const mine = std::make_shared<job_on<shared>>(shared_from_this(), next);
  running.emplace(next.id, mine);
  if (mine->soft() != mine->never) {
    bool const first = limits.empty() || mine->soft() < limits.begin()->first;
    limits.emplace(mine->soft(), next.id);
    if (first) outgoing.notify_one();
  }
  event began;
  began.kind = event_kind::started;
  began.id = next.id;
  began.pid = pid;
  put(std::move(began));
  opening = true;
  lock.unlock();
  try {
    open(std::move(next.payload), mine);
  } catch (...) {
    log::critical("pool: opening a job threw");
    mine->finish({});
  }
  lock.lock();
  opening = false;
  if (now != stage::running) settled.notify_all();
}

/// With the lock, which is released while jobs are told.
void coroutine_pool::shared::tell_expired(std::unique_lock<std::mutex>& lock) {
  std::vector<std::shared_ptr<open_job>> expired;
  auto const until = limits.upper_bound(clock::now());
  for (auto l = limits.begin(); l != until; ++l) {
    if (auto const at = running.find(l->second); at != running.end()) expired.push_back(at->second);
  }
  limits.erase(limits.begin(), until);
  if (expired.empty()) return;
  lock.unlock();
  for (auto const& j : expired) static_cast<job_on<shared>&>(*j).tell();
  expired.clear();
  lock.lock();
}

void coroutine_pool::shared::deliver_loop() {
  std::unique_lock lock{m};
  while (true) {
    tell_expired(lock);
    if (now == stage::over || (outbox.empty() && delivery_ends)) return;
    if (outbox.empty()) {
      if (limits.empty()) {
        outgoing.wait(lock);
      } else {
        outgoing.wait_until(lock, limits.begin()->first);
      }
      continue;
    }
    std::vector<event> batch;
    batch.swap(outbox);
    lock.unlock();
    try {
      if (sink) sink(std::move(batch));
    } catch (...) {
      log::critical("pool: the event sink threw");
    }
    lock.lock();
  }
}

coroutine_pool::coroutine_pool() : shared_{std::make_shared<shared>()} {}
coroutine_pool::~coroutine_pool() { kill(); }

expected<void> coroutine_pool::start(options with) {
  if (!with.open) return fail(errc::invalid_argument, "this pool needs an opener", "options::open");
  if (with.concurrency == 0) {
    return fail(errc::invalid_argument, "a pool needs at least one slot", "options::concurrency");
  }
  std::lock_guard lock{shared_->m};
  if (shared_->now != stage::fresh) return fail(errc::closed, "this pool was started or stopped before");
  shared_->open = std::move(with.open);
  shared_->sink = std::move(with.on_events);
  shared_->concurrency = with.concurrency;
  try {
    delivery_ = std::thread{[s = shared_] { s->deliver_loop(); }};
    shared_->now = stage::running;
    opener_ = std::thread{[s = shared_] { s->open_loop(); }};
  } catch (std::system_error const& e) {
    shared_->now = stage::over;
    return fail(errc::internal, std::string{"cannot make the pool's threads: "} + e.what());
  }
  return {};
}

void coroutine_pool::submit(std::vector<job>&& jobs) {
  std::lock_guard lock{shared_->m};
  for (auto& j : jobs) shared_->waiting.push_back(std::move(j));
  shared_->work.notify_one();
}

std::vector<std::uint64_t> coroutine_pool::withdraw() {
  std::lock_guard lock{shared_->m};
  std::vector<std::uint64_t> ids;
  ids.reserve(shared_->waiting.size());
  for (auto const& j : shared_->waiting) ids.push_back(j.id);
  shared_->waiting.clear();
  return ids;
}

void coroutine_pool::request_stop(std::uint64_t job_id) {
  std::vector<std::shared_ptr<open_job>> asked;
  {
    std::lock_guard lock{shared_->m};
    for (auto const& [id, j] : shared_->running) {
      if (job_id == 0 || id == job_id) asked.push_back(j);
    }
  }
  for (auto const& j : asked) static_cast<job_on<shared>&>(*j).ask();
}

expected<void> coroutine_pool::terminate(std::uint64_t job_id, int) {
  std::shared_ptr<open_job> runs;
  {
    std::lock_guard lock{shared_->m};
    if (auto const at = shared_->running.find(job_id); at != shared_->running.end()) runs = at->second;
  }
  if (!runs) return fail(errc::invalid_argument, "this task does not run");
  static_cast<job_on<shared>&>(*runs).cancel();
  return {};
}

bool coroutine_pool::stop(deadline until) {
  {
    std::unique_lock lock{shared_->m};
    if (shared_->now == stage::fresh) shared_->now = stage::over;
    if (shared_->now == stage::over && !delivery_.joinable()) return true;
    if (shared_->now == stage::running) shared_->now = stage::draining;
    shared_->work.notify_all();
    auto const idle = [&] { return shared_->running.empty() && !shared_->opening; };
    if (until.is_never()) {
      shared_->settled.wait(lock, idle);
    } else if (!shared_->settled.wait_for(lock, std::min<clock::duration>(until.left(), std::chrono::hours{24}),
                                          idle)) {
      return false;
    }
    shared_->delivery_ends = true;
    shared_->outgoing.notify_all();
    shared_->work.notify_all();
  }
  if (opener_.joinable()) opener_.join();
  if (delivery_.joinable()) delivery_.join();
  std::lock_guard lock{shared_->m};
  shared_->now = stage::over;
  return true;
}

void coroutine_pool::kill() {
  bool leave = false;
  {
    std::lock_guard lock{shared_->m};
    shared_->now = stage::over;
    shared_->outbox.clear();
    leave = shared_->opening;
    shared_->work.notify_all();
    shared_->outgoing.notify_all();
  }
  request_stop(0);
  decltype(shared_->running) forgotten;  // they hold the shared state, and it holds them
  {
    std::lock_guard lock{shared_->m};
    forgotten.swap(shared_->running);
  }
  if (opener_.joinable() && leave) opener_.detach();
  if (opener_.joinable()) opener_.join();
  if (delivery_.joinable()) delivery_.join();
}

std::vector<int> coroutine_pool::pids() const { return {shared_->pid}; }

std::size_t coroutine_pool::concurrency() const {
  std::lock_guard lock{shared_->m};
  return shared_->concurrency;
}

expected<void> coroutine_pool::resize(std::size_t concurrency) {
  if (concurrency == 0) return fail(errc::invalid_argument, "a pool needs at least one slot");
  std::lock_guard lock{shared_->m};
  if (shared_->now != stage::running) return fail(errc::closed, "the pool does not run");
  shared_->concurrency = concurrency;
  shared_->work.notify_one();
  return {};
}

std::vector<slot> coroutine_pool::slots() const {
  std::lock_guard lock{shared_->m};
  std::vector<slot> out;
  out.reserve(shared_->running.size());
  for (auto const& [id, j] : shared_->running) {
    out.push_back({shared_->pid, id, 0, static_cast<job_on<shared> const&>(*j).began()});
  }
  return out;
}

std::unique_ptr<pool> make_coroutines() { return std::make_unique<coroutine_pool>(); }

}  // namespace lovage::pool
