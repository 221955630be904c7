// The io thread of the prefork pool.
#include "core/log.hpp"
#include "pool/prefork/prefork_pool.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <span>

namespace lovage::pool {
namespace {

constexpr std::uint64_t wake_token = 1ULL << 32, control_token = wake_token + 1, server_end_token = wake_token + 2;
/// main() up to worker::run(), plug-ins included, and then the first children.
constexpr std::chrono::seconds ready_within{30};
/// Idle children leave at once; the server kills those that do not after two seconds.
constexpr std::chrono::seconds gone_within{5};

}  // namespace

void prefork_pool::io_thread() {
  std::unique_lock lock{m_};
  watch(wake_.get(), wake_token, EPOLLIN, true);
  open_server();
  while (phase_ != phase::over) {
    try {
      if (!deliver(lock)) turn(lock);
    } catch (std::exception const& e) {
      log::critical(std::string{"pool: the prefork loop failed, and goes on: "} + e.what());
    }
  }
  deliver(lock);
  for (auto& p : places_) p.socket.reset();
  server_process_.reset();
  epoll_.reset();
  wake_.reset();
  changed_.notify_all();
}

/// Hands over what happened, without the lock. False when nothing did.
bool prefork_pool::deliver(std::unique_lock<std::mutex>& lock) {
  if (silent_) events_.clear();
  if (events_.empty()) return false;
  std::vector<event> batch;
  batch.swap(events_);
  events_.reserve(batch.size());
  lock.unlock();
  try {
    if (options_.on_events) options_.on_events(std::move(batch));
  } catch (...) {
    log::critical("pool: the event sink threw");
  }
  lock.lock();
  return true;
}

void prefork_pool::turn(std::unique_lock<std::mutex>& lock) {
  std::array<epoll_event, 64> ready;
  auto const timeout = timeout_ms();
  sleeping_ = true;
  lock.unlock();
  int const n = ::epoll_wait(epoll_.get(), ready.data(), ready.size(), timeout);
  lock.lock();
  sleeping_ = false;
  auto const batch = std::span{ready}.first(static_cast<std::size_t>(std::max(n, 0)));
  // The server's end last: first everything that it and its children wrote before.
  for (auto const& r : batch) {
    if (r.data.u64 != server_end_token) on_ready(r.data.u64, r.events);
  }
  for (auto const& r : batch) {
    if (r.data.u64 == server_end_token) on_server_end();
  }
  auto const now = clock::now();
  if (now >= next_limit_) expire_limits(now);
  mind_server(now);
  if (now >= child_brake_.open_at() && wants_children()) request_children();
  dispatch();
}

int prefork_pool::timeout_ms() const {
  if (phase_ >= phase::ending && !told_to_end_) return 0;  // changed while the sink was called, so nobody woke us
  auto at = std::min(next_limit_, server_due_);
  if (server_ == server_state::none && phase_ == phase::running) at = std::min(at, server_brake_.open_at());
  if (wants_children()) {
    at = std::min(at, child_brake_.open_at());
  }
  if (!orphans_.empty()) at = std::min(at, clock::now() + std::chrono::milliseconds{100});
  if (at == time_point::max()) return -1;
  auto const now = clock::now();
  if (at <= now) return 0;  // a brake that is not on is open since the beginning of time
  auto const left = std::chrono::ceil<std::chrono::milliseconds>(at - now).count();
  return static_cast<int>(std::min<long long>(left, 3'600'000));
}

void prefork_pool::watch(int fd, std::uint64_t token, std::uint32_t events, bool add) {
  epoll_event e{.events = events, .data = {.u64 = token}};
  if (::epoll_ctl(epoll_.get(), add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e) != 0) {
    log::critical(std::string{"pool: epoll_ctl: "} + std::strerror(errno));
  }
}

void prefork_pool::on_ready(std::uint64_t token, std::uint32_t events) {
  if (token == wake_token) {
    std::uint64_t count = 0;
    [[maybe_unused]] auto const n = ::read(wake_.get(), &count, sizeof count);
  } else if (token == control_token) {
    if ((events & EPOLLOUT) != 0 && server_process_->flush()) watch(server_process_->control(), token, EPOLLIN, false);
    on_control();
  } else {
    auto const slot = static_cast<std::uint32_t>(token);
    if ((events & EPOLLOUT) != 0) flush_child(slot);
    if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) read_child(slot);
  }
}

void prefork_pool::tell(control_kind kind, std::uint32_t slot, int pid, int status) {
  if (!server_process_) return;
  server_process_->send(kind, slot, pid, status);
  if (!server_process_->flush()) watch(server_process_->control(), control_token, EPOLLIN | EPOLLOUT, false);
}

void prefork_pool::open_server() {
  auto made = server_process::start(self_, stop_flags_.fd());
  if (!made) {
    fail_start(made.error().text());
    log::critical("pool: " + made.error().text());
    return server_brake_.pause(clock::now());
  }
  server_process_.emplace(std::move(*made));
  server_ = server_state::starting;
  server_due_ = clock::now() + ready_within;
  watch(server_process_->control(), control_token, EPOLLIN, true);
  watch(server_process_->end(), server_end_token, EPOLLIN, true);
}

/// What is due because time has passed or the phase has changed.
void prefork_pool::mind_server(time_point now) {
  std::erase_if(orphans_, [](int pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
  if (phase_ >= phase::ending && !told_to_end_) {
    told_to_end_ = true;
    if (!server_process_) phase_ = phase::over;
    for (auto& p : places_) p.socket.reset();  // an idle child takes this as the word to go
    tell(phase_ == phase::killing ? control_kind::kill_all : control_kind::quit, 0, 0);
    server_due_ = now + (server_ == server_state::ready ? gone_within : clock::duration::zero());
  }
  if (!server_process_) {
    if (phase_ == phase::running && now >= server_brake_.open_at()) open_server();
    return;
  }
  if (now < server_due_) return;
  server_due_ = time_point::max();
  if (server_ == server_state::ready && phase_ == phase::starting) {
    return fail_start("no child was ready in time; the last one ended with " + last_death_);
  }
  if (phase_ < phase::ending) problem_ = "not ready in time: does main() reach worker::run()?";
  server_process_->kill();
}

void prefork_pool::fail_start(std::string why) {
  if (started_) return;
  started_ = expected<void>{fail(errc::internal, "the fork server failed: " + why)};
  changed_.notify_all();
}

void prefork_pool::on_control() {
  while (server_process_) {
    control_message m;
    io::descriptor passed;
    auto const got = server_process_->receive(m, passed);
    if (got == control_status::blocked) return;
    if (got == control_status::closed) {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, server_process_->control(), nullptr);
      return server_process_->kill();  // it has nothing left to live for; most likely it is dead
    }
    if (m.slot < places_.size()) on_message(m, std::move(passed));
  }
}

void prefork_pool::on_message(control_message const& m, io::descriptor&& passed) {
  auto& p = places_[m.slot];
  switch (m.kind) {
    case control_kind::ready:
      server_ = server_state::ready;
      if (phase_ != phase::starting) server_due_ = time_point::max();
      break;
    case control_kind::problem: problem_ = m.text; break;
    case control_kind::forked: on_forked(m, std::move(passed)); break;
    case control_kind::no_child:
      p.asked = false;
      last_death_ = std::string{"fork: "} + std::strerror(m.status);
      log::error("pool: cannot make a child: " + last_death_);
      child_brake_.pause(clock::now());
      break;
    case control_kind::died:
      if (p.pid == m.pid) on_died(m.slot, io::ending{m.status}, false);
      break;
    default: break;
  }
}

/// Its children got SIGKILL from the kernel before the end of the server could be seen.
void prefork_pool::on_server_end() {
  if (!server_process_) return;
  on_control();
  auto const how = server_process_->reap();
  for (std::uint32_t slot = 0; slot < places_.size(); ++slot) {
    places_[slot].asked = false;
    if (places_[slot].life.state() == child_state::absent) continue;
    orphans_.push_back(places_[slot].pid);
    on_died(slot, how, true);
  }
  server_process_.reset();
  server_ = server_state::none;
  server_due_ = time_point::max();
  if (phase_ >= phase::ending) {
    phase_ = phase::over;
    return;
  }
  auto const why = problem_.empty() ? how.text() + " before worker::run() was ready" : problem_;
  if (phase_ == phase::starting) return fail_start(why);
  log::error("pool: the fork server died (" + (problem_.empty() ? how.text() : problem_) + "); starting it again");
  problem_.clear();
  if (server_brake_.fruitless_death(clock::now())) {
    log::critical("pool: the fork server dies again and again; waiting between attempts");
  }
}

}  // namespace lovage::pool
