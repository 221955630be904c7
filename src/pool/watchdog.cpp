#include "pool/watchdog.hpp"

#include "core/log.hpp"
#include "pool/stack_dump.hpp"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace lovage::pool {

std::vector<sighting> overdue::step(std::vector<sighting> const& running, std::chrono::steady_clock::time_point now) {
  auto const in = [](std::vector<sighting> const& all, sighting const& s) {
    return std::any_of(all.begin(), all.end(),
                       [&](sighting const& o) { return o.thread == s.thread && o.since == s.since; });
  };
  std::erase_if(named_, [&](sighting const& s) { return !in(running, s); });
  std::vector<sighting> out;
  for (auto const& s : running) {
    if (now - s.since < limit_ || in(named_, s)) continue;
    named_.push_back(s);
    out.push_back(s);
  }
  return out;
}

watchdog::watchdog(std::chrono::nanoseconds limit, look_function look, tell_function tell) {
  install_stack_dump();
  thread_ = std::thread{[this, limit, look = std::move(look), tell = std::move(tell)] { run(limit, look, tell); }};
}

watchdog::~watchdog() {
  {
    std::lock_guard const lock{m_};
    ends_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void watchdog::run(std::chrono::nanoseconds limit, look_function const& look, tell_function const& tell) {
  auto const period =
      std::clamp<std::chrono::nanoseconds>(limit / 4, std::chrono::milliseconds{1}, std::chrono::seconds{1});
  overdue late{limit};
  std::unique_lock lock{m_};
  while (!changed_.wait_for(lock, period, [&] { return ends_; })) {
    lock.unlock();
    try {
      for (auto const& s : late.step(look(), std::chrono::steady_clock::now())) {
        if (s.thread != 0) ask_for_stack(s.thread);
        tell(event_of(s));
      }
    } catch (std::exception const& e) {
      log::error(std::string{"pool: the watchdog failed, and goes on: "} + e.what());
    }
    lock.lock();
  }
}

event watchdog::event_of(sighting const& s) {
  event e;
  e.kind = event_kind::overdue;
  e.id = s.job;
  e.pid = ::getpid();
  e.runtime = std::chrono::steady_clock::now() - s.since;
  return e;
}

void ask_for_stacks(std::vector<sighting> const& of) {
  install_stack_dump();
  for (auto const& s : of)
    if (s.thread != 0) ask_for_stack(s.thread);
}

}  // namespace lovage::pool
