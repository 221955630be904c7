// For tests: the host of one call, which may go on when the body's function has returned.
#pragma once

#include "app/invoke.hpp"

#include <lovage/app.hpp>
#include <lovage/pack.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lovage {

/// The thread that waits for its end is the one that opens calls.
struct recording_host final : open_host {
  void update_state(std::string_view state, std::string_view) override { states.emplace_back(state); }
  void send_event(std::string_view type, std::string_view) override { events.emplace_back(type); }
  [[nodiscard]] int stop_requested() const noexcept override { return why; }
  void log(int, std::string_view text) override { lines.emplace_back(text); }
  void finish(outcome e) override {
    std::lock_guard const lock{m};
    stop = nullptr;
    end = std::move(e);
    news.notify_all();
  }
  void when_stopped(std::function<void()> s) override {
    std::lock_guard const lock{m};
    stop = std::move(s);
  }
  bool on_opener(std::function<void()> f) override {
    std::lock_guard const lock{m};
    called.push_back(std::move(f));
    news.notify_all();
    return true;
  }
  void driven_by(post_function post, void* self) override {
    std::lock_guard const lock{m};
    driver = {post, self};
  }
  /// The call shall end, for this reason.
  void end_early(int reason) {
    std::lock_guard const lock{m};
    why = reason;
    if (auto const s = std::exchange(stop, nullptr)) s();
  }
  outcome wait() {
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    std::unique_lock lock{m};
    while (!end && news.wait_until(lock, until, [&] { return end || !called.empty(); })) {
      if (called.empty()) continue;
      auto const f = std::move(called.front());
      called.pop_front();
      lock.unlock();
      f();
      lock.lock();
    }
    return end.value_or(outcome{});
  }

  std::mutex m;
  std::condition_variable news;
  std::optional<outcome> end;
  std::function<void()> stop;
  std::deque<std::function<void()>> called;
  std::pair<post_function, void*> driver{};
  std::atomic<int> why{0};
  std::vector<std::string> states, events, lines;
};

/// Begins a task of the registry, as the coroutine pool does.
inline std::shared_ptr<recording_host> open_call_of(task_registry const& tasks, std::string_view name, value::list args,
                                                    std::shared_ptr<fiber_stacks> const& stacks) {
  auto host = std::make_shared<recording_host>();
  auto const request = pack(value{value::map{{"task", std::string{name}}, {"retries", 0}}});
  auto const& in = tasks.internals();
  invoke_open(*in.find(name), in.hooks(), request, pack(value::list{std::move(args), value::map{}}), host, stacks);
  return host;
}

}  // namespace lovage
