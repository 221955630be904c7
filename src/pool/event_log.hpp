// For tests and benchmarks: a sink that keeps what it was given and lets one wait for it.
#pragma once

#include "pool/pool.hpp"

#include <condition_variable>
#include <mutex>

namespace lovage::pool {

/// `options.on_events = log.sink();` then `log.wait([](auto const& all) { return ...; })`.
class event_log {
 public:
  event_sink sink() {
    return [this](std::vector<event>&& batch) {
      std::lock_guard lock{m_};
      for (auto& e : batch) all_.push_back(std::move(e));
      ++batches_;
      grew_.notify_all();
    };
  }
  /// False when the deadline passed before `holds` was true for all events so far.
  template <class Predicate>
  bool wait(Predicate holds, deadline until = deadline::in(std::chrono::seconds{60})) {
    std::unique_lock lock{m_};
    return grew_.wait_until(lock, until.when(), [&] { return holds(all_); });
  }
  bool wait_for(event_kind kind, std::size_t count = 1) {
    return wait([&](auto const&) { return count_locked(kind) >= count; });
  }
  [[nodiscard]] std::size_t count(event_kind kind) {
    std::lock_guard lock{m_};
    return count_locked(kind);
  }
  /// The n-th event of a kind; a default one when there are fewer.
  [[nodiscard]] event nth(event_kind kind, std::size_t n = 0) {
    std::lock_guard lock{m_};
    for (auto const& e : all_) {
      if (e.kind == kind && n-- == 0) return e;
    }
    return {};
  }
  [[nodiscard]] std::vector<event> all() {
    std::lock_guard lock{m_};
    return all_;
  }
  [[nodiscard]] std::size_t batches() {
    std::lock_guard lock{m_};
    return batches_;
  }

 private:
  [[nodiscard]] std::size_t count_locked(event_kind kind) const {
    std::size_t n = 0;
    for (auto const& e : all_) n += e.kind == kind ? 1 : 0;
    return n;
  }

  std::mutex m_;
  std::condition_variable grew_;
  std::vector<event> all_;
  std::size_t batches_ = 0;
};

/// A job of a payload, without limits.
inline job make_job(std::uint64_t id, std::string payload) {
  job j;
  j.id = id;
  j.payload = std::move(payload);
  return j;
}

}  // namespace lovage::pool
