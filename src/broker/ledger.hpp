// What a consumer holds: shared by the thread that claims, the pool's threads that start, and the keeper.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace lovage::broker {

/// By tag. `Held` is what a driver knows of a claimed message; it has a member `started`, a moment, zero until then.
template <class Held>
class ledger {
 public:
  using clock = std::chrono::steady_clock;

  void add(std::uint64_t tag, Held h) {
    std::lock_guard const lock{mutex_};
    held_.insert_or_assign(tag, std::move(h));
  }
  [[nodiscard]] std::optional<Held> find(std::uint64_t tag) const {
    std::lock_guard const lock{mutex_};
    auto const at = held_.find(tag);
    return at == held_.end() ? std::nullopt : std::optional{at->second};
  }
  void erase(std::uint64_t tag) {
    std::lock_guard const lock{mutex_};
    held_.erase(tag);
  }
  [[nodiscard]] std::vector<std::uint64_t> tags() const {
    return tags_where([](Held const&) { return true; });
  }

  void started(std::uint64_t tag) {
    std::lock_guard const lock{mutex_};
    auto const at = held_.find(tag);
    if (at == held_.end()) return;
    at->second.started = clock::now();
    if (!std::exchange(began_, true)) changed_.notify_all();
  }
  /// Waits until one began since the last call (true), `stop`, or the time.
  [[nodiscard]] bool wait_for_start(clock::time_point until) {
    std::unique_lock lock{mutex_};
    changed_.wait_until(lock, until, [this] { return began_ || stopped_; });
    return !stopped_ && std::exchange(began_, false);
  }
  [[nodiscard]] bool wait_for_stop(clock::time_point until) {
    std::unique_lock lock{mutex_};
    return changed_.wait_until(lock, until, [this] { return stopped_; });
  }
  /// Those that began by `since`.
  [[nodiscard]] std::vector<std::uint64_t> running(clock::time_point since) const {
    return tags_where([&](Held const& h) { return h.started != clock::time_point{} && h.started <= since; });
  }
  /// Ends every wait.
  void stop() {
    std::lock_guard const lock{mutex_};
    stopped_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] bool stopped() const {
    std::lock_guard const lock{mutex_};
    return stopped_;
  }

 protected:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Held> held_;

 private:
  template <class Condition>
  std::vector<std::uint64_t> tags_where(Condition so) const {
    std::lock_guard const lock{mutex_};
    std::vector<std::uint64_t> out;
    for (auto const& [tag, h] : held_)
      if (so(h)) out.push_back(tag);
    return out;
  }
  std::condition_variable changed_;
  bool began_ = false, stopped_ = false;
};

}  // namespace lovage::broker
