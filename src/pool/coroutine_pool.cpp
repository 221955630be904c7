#include "pool/coroutine_pool.hpp"

#include "core/log.hpp"
#include "pool/coroutine_shared.hpp"

#include <system_error>

namespace lovage::pool {

coroutine_pool::coroutine_pool() : shared_{std::make_shared<shared>()} {}
coroutine_pool::~coroutine_pool() { kill(); }

expected<void> coroutine_pool::start(options with) {
  if (!with.open) return fail(errc::invalid_argument, "this pool needs an opener", "options::open");
  if (with.concurrency == 0) {
    return fail(errc::invalid_argument, "a pool needs at least one slot", "options::concurrency");
  }
  std::lock_guard lock{shared_->m};
  if (shared_->now != shared::stage::fresh) return fail(errc::closed, "this pool was started or stopped before");
  shared_->open = std::move(with.open);
  shared_->sink = std::move(with.on_events);
  shared_->concurrency = with.concurrency;
  try {
    delivery_ = std::thread{[s = shared_] { s->deliver_loop(); }};
    shared_->now = shared::stage::running;
    opener_ = std::thread{[s = shared_] { s->open_loop(); }};
    if (with.watchdog.count() > 0)
      watchdog_ = std::make_unique<watchdog>(
          with.watchdog, [s = shared_] { return s->look(); },
          [s = shared_](event&& late) {
            std::lock_guard in{s->m};
            s->put(std::move(late));
          });
  } catch (std::system_error const& e) {
    shared_->now = shared::stage::over;
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
  for (auto const& j : asked) static_cast<shared::job_on&>(*j).ask();
}

expected<void> coroutine_pool::terminate(std::uint64_t job_id, int) {
  std::shared_ptr<open_job> runs;
  {
    std::lock_guard lock{shared_->m};
    if (auto const at = shared_->running.find(job_id); at != shared_->running.end()) runs = at->second;
  }
  if (!runs) return fail(errc::invalid_argument, "this task does not run");
  static_cast<shared::job_on&>(*runs).cancel();
  return {};
}

bool coroutine_pool::stop(deadline until) {
  {
    std::unique_lock lock{shared_->m};
    if (shared_->now == shared::stage::fresh) shared_->now = shared::stage::over;
    if (shared_->now == shared::stage::over && !delivery_.joinable()) return true;
    if (shared_->now == shared::stage::running) shared_->now = shared::stage::draining;
    shared_->work.notify_all();
    auto const idle = [&] { return shared_->running.empty() && !shared_->opening; };
    if (until.is_never()) {
      shared_->settled.wait(lock, idle);
    } else if (!shared_->settled.wait_for(lock, std::min<shared::clock::duration>(until.left(), std::chrono::hours{24}),
                                          idle)) {
      return false;
    }
    shared_->delivery_ends = true;
    shared_->outgoing.notify_all();
    shared_->work.notify_all();
  }
  watchdog_.reset();
  if (opener_.joinable()) opener_.join();
  if (delivery_.joinable()) delivery_.join();
  std::lock_guard lock{shared_->m};
  shared_->now = shared::stage::over;
  return true;
}

void coroutine_pool::kill() {
  bool leave = false;
  {
    std::lock_guard lock{shared_->m};
    shared_->now = shared::stage::over;
    shared_->outbox.clear();
    leave = shared_->opening;
    shared_->work.notify_all();
    shared_->outgoing.notify_all();
  }
  request_stop(0);
  watchdog_.reset();
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
  if (shared_->now != shared::stage::running) return fail(errc::closed, "the pool does not run");
  shared_->concurrency = concurrency;
  shared_->work.notify_one();
  return {};
}

std::vector<slot> coroutine_pool::slots() const {
  std::lock_guard lock{shared_->m};
  std::vector<slot> out;
  out.reserve(shared_->running.size());
  for (auto const& [id, j] : shared_->running) {
    out.push_back({shared_->pid, id, 0, static_cast<shared::job_on const&>(*j).began()});
  }
  return out;
}

void coroutine_pool::dump_stacks() {
  auto all = shared_->loops.all();
  {
    std::lock_guard lock{shared_->m};
    if (shared_->opening) all.push_back(shared_->opens);
  }
  ask_for_stacks(all);
}

std::unique_ptr<pool> make_coroutines() { return std::make_unique<coroutine_pool>(); }

}  // namespace lovage::pool
