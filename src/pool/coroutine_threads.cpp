// The opener and the delivery thread of the coroutine pool.
#include "core/log.hpp"
#include "pool/coroutine_shared.hpp"

namespace lovage::pool {

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
  opens.thread = ::gettid();
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
  opens.job = 0;
  opens.since = clock::now();
  lock.unlock();
  std::exchange(f, nullptr)();
  lock.lock();
  opening = false;
  if (now != stage::running) settled.notify_all();
}

void coroutine_pool::shared::open_next(std::unique_lock<std::mutex>& lock) {
  job next = std::move(waiting.front());
  waiting.pop_front();
  auto const mine = std::make_shared<job_on>(shared_from_this(), next);
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
  opens.job = next.id;
  opens.since = mine->began();
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

/// The opener, when something holds it up, and loops that owe an answer: whose jobs these are is not known here.
std::vector<sighting> coroutine_pool::shared::look() {
  std::vector<sighting> out;
  std::unique_lock lock{m};
  if (opening) out.push_back(opens);
  if (running.empty()) return out;
  auto const only = running.size() == 1 ? running.begin()->first : 0;
  lock.unlock();
  for (auto s : loops.look()) {
    s.job = only;
    out.push_back(s);
  }
  return out;
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
  for (auto const& j : expired) static_cast<job_on&>(*j).tell();
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

}  // namespace lovage::pool
