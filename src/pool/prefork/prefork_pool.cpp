#include "pool/prefork/prefork_pool.hpp"

#include "core/log.hpp"
#include "pool/prefork.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace lovage::pool {

prefork_pool::~prefork_pool() { kill(); }

expected<void> prefork_pool::prepare(options&& with) {
  if (is_fork_server()) {
    return fail(errc::internal, "this process is a fork server: call pool::serve_forks before anything else");
  }
  if (!with.run) return fail(errc::invalid_argument, "a pool needs a runner", "options::run");
  if (with.concurrency == 0) {
    return fail(errc::invalid_argument, "a pool needs at least one slot", "options::concurrency");
  }
  if (with.concurrency > most_slots) {
    return fail(errc::invalid_argument, "a prefork pool has at most " + std::to_string(most_slots) + " slots",
                "options::concurrency");
  }
  auto self = self_image::read(with.title);
  if (!self) return fail(self.error());
  auto flags = stop_page::create(2 * most_slots);  // a child and its successor; what is not used costs nothing
  if (!flags) return fail(flags.error());
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll_ || !wake_) return fail(errc::internal, std::string{"cannot make an event loop: "} + std::strerror(errno));
  self_ = std::move(*self);
  stop_flags_ = std::move(*flags);
  places_.resize(with.concurrency);
  for (std::uint32_t slot = 0; slot < with.concurrency; ++slot) want(slot);
  options_ = std::move(with);
  return {};
}

expected<void> prefork_pool::start(options with) {
  std::unique_lock lock{m_};
  if (phase_ != phase::fresh) return fail(errc::closed, "this pool was started or stopped before");
  if (auto ok = prepare(std::move(with)); !ok) return ok;
  phase_ = phase::starting;
  try {
    thread_ = std::thread{[this] { io_thread(); }};
  } catch (std::system_error const& e) {
    phase_ = phase::over;
    return fail(errc::internal, std::string{"cannot make the pool's thread: "} + e.what());
  }
  changed_.wait(lock, [&] { return started_.has_value(); });  // the io thread minds the deadline
  auto result = *started_;
  lock.unlock();
  if (!result) kill();
  return result;
}

void prefork_pool::submit(std::vector<job>&& jobs) {
  std::lock_guard lock{m_};
  for (auto& j : jobs) waiting_.push_back(std::move(j));
  auto const limit_before = next_limit_;
  dispatch();
  if (!events_.empty() || next_limit_ < limit_before) wake();
}

/// Gives jobs to free children, in order, as long as there are both.
void prefork_pool::dispatch() {
  if (phase_ != phase::running) return;
  while (!waiting_.empty() && !idle_.empty()) {
    auto const slot = idle_.back();
    idle_.pop_back();
    give(slot);
  }
}

void prefork_pool::give(std::uint32_t slot) {
  auto& p = places_[slot];
  if (p.life.state() != child_state::idle || p.closed) return;  // it died since it was put on the list
  job j = std::move(waiting_.front());
  waiting_.pop_front();
  stop_flags_[slot].stop.store(false, std::memory_order_relaxed);
  p.began = clock::now();
  frame_head head;
  head.kind = frame_kind::job;
  head.id = j.id;
  head.number = j.soft_limit ? std::chrono::nanoseconds{*j.soft_limit}.count() : -1;
  auto const wrote = p.out.write(p.socket.get(), MSG_DONTWAIT, head, std::move(j.payload));
  if (wrote == frame_writer::status::closed && p.out.untouched()) {
    j.payload = p.out.take_back();  // a dead child that was not noticed yet: nobody saw this job
    waiting_.push_front(std::move(j));
    return act(slot, p.life.step(child_input::broken));
  }
  p.job = j.id;
  p.hard = j.hard_limit;
  p.limit = j.hard_limit ? p.began + *j.hard_limit : time_point::max();
  if (options_.watchdog.count() > 0) p.overdue = p.began + options_.watchdog;
  next_limit_ = std::min({next_limit_, p.limit, p.overdue});
  ++busy_;
  note(event_kind::started, slot, {}, {});
  act(slot, p.life.step(child_input::given));
  consider_replacing(slot, false);
  if (wrote == frame_writer::status::blocked) watch_child(slot, true, false);
}

void prefork_pool::note(event_kind kind, std::uint32_t slot, std::string payload, std::string reason) {
  auto const& p = places_[slot];
  event e;
  e.kind = kind;
  e.id = p.job;
  e.payload = std::move(payload);
  e.reason = std::move(reason);
  e.pid = p.pid;
  using k = event_kind;
  if (kind == k::lost || kind == k::timed_out || kind == k::terminated || kind == k::overdue)
    e.runtime = clock::now() - p.began;
  events_.push_back(std::move(e));
}

/// Only a sleeping io thread needs to be told: it looks at everything before it sleeps.
void prefork_pool::wake() {
  if (!sleeping_) return;
  sleeping_ = false;
  std::uint64_t const one = 1;
  [[maybe_unused]] auto const n = ::write(wake_.get(), &one, sizeof one);
}

std::vector<std::uint64_t> prefork_pool::withdraw() {
  std::lock_guard lock{m_};
  std::vector<std::uint64_t> ids;
  ids.reserve(waiting_.size());
  for (auto const& j : waiting_) ids.push_back(j.id);
  waiting_.clear();
  return ids;
}

void prefork_pool::request_stop(std::uint64_t job_id) {
  std::lock_guard lock{m_};
  for (std::size_t slot = 0; slot < places_.size(); ++slot) {
    auto const& p = places_[slot];
    if (p.life.has_job() && (job_id == 0 || p.job == job_id)) {
      stop_flags_[slot].stop.store(true, std::memory_order_release);
    }
  }
}

bool prefork_pool::stop(deadline until) {
  std::unique_lock lock{m_};
  if (phase_ == phase::fresh) phase_ = phase::over;
  if (phase_ == phase::running) phase_ = phase::draining;
  auto const idle = [&] { return busy_ == 0; };
  if (until.is_never()) {
    changed_.wait(lock, idle);
  } else if (!changed_.wait_for(lock, std::min<clock::duration>(until.left(), std::chrono::hours{24}), idle)) {
    return false;
  }
  if (phase_ == phase::draining) phase_ = phase::ending;
  wake();
  lock.unlock();
  if (thread_.joinable()) thread_.join();
  return true;
}

void prefork_pool::kill() {
  {
    std::lock_guard lock{m_};
    phase_ = thread_.joinable() ? phase::killing : phase::over;
    silent_ = true;
    wake();
  }
  if (thread_.joinable()) thread_.join();
}

std::vector<int> prefork_pool::pids() const {
  std::lock_guard lock{m_};
  std::vector<int> out;
  for (auto const& p : places_) {
    if (p.life.state() != child_state::absent) out.push_back(p.pid);
  }
  return out;
}

std::unique_ptr<pool> make_prefork() { return std::make_unique<prefork_pool>(); }

}  // namespace lovage::pool
