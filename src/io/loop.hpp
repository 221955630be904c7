// The event loop: timers, descriptors, signals and functions from other threads, all called by one thread.
#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>

namespace lovage::io {

enum class interest { readable, writable };

/// Keeps a timer, a watched descriptor or a set of signals alive: ends it when destroyed.
///
/// *Threads*: the loop's, or any while the loop does not run. *Guarantee*: after `cancel` the callback is not called
/// any more, even if it was due. *Lifetime*: must end before the loop does, unless detached.
class [[nodiscard]] subscription {
 public:
  subscription() = default;
  subscription(subscription&&) noexcept = default;
  subscription& operator=(subscription&& other) noexcept {
    if (this != &other) {
      cancel();
      what_ = std::move(other.what_);
    }
    return *this;
  }
  ~subscription() { cancel(); }

  void cancel() noexcept;
  /// Lets it go on until it ends by itself or the loop is destroyed.
  void detach() noexcept { what_.reset(); }
  /// False when cancelled, detached, or when a timer has fired.
  [[nodiscard]] bool active() const noexcept;

  struct entry;

 private:
  friend class loop;
  explicit subscription(std::shared_ptr<entry> what) noexcept : what_{std::move(what)} {}
  std::shared_ptr<entry> what_;
};

/// One thread calls `run`; that thread calls every callback, one at a time. A callback that throws is logged as
/// critical and the loop goes on.
///
///     io::loop l;
///     auto tick = l.after(1s, [&] { l.stop(); });
///     l.run();
class loop {
 public:
  using function = std::function<void()>;

  loop();
  /// Requires that nobody is inside `run`. Functions posted and not called yet are destroyed uncalled.
  ~loop();
  loop(loop const&) = delete;
  loop& operator=(loop const&) = delete;

  /// Calls callbacks until `stop`. After `stop` it returns at once, until `restart`.
  void run();
  /// Calls what is ready now and returns without waiting: for tests and for loops inside other loops.
  void poll();
  /// Makes `run` return after the callback under way. *Threads*: any. May come before `run` and may come twice.
  void stop() noexcept;
  /// Undoes `stop`.
  void restart();
  /// Calls `fn` in the loop's thread, in the order of the posts. *Threads*: any.
  void post(function fn);

  // The rest belongs to the loop's thread, or to any while the loop does not run.

  /// Calls `fn` once, `delay` from now; zero or negative means as soon as possible, yet not inside this call.
  subscription after(std::chrono::steady_clock::duration delay, function fn);
  /// Calls `fn` whenever the descriptor is ready, again and again while it stays so. The descriptor stays the caller's
  /// and must be open until the subscription ends; a file on disk cannot be watched.
  subscription watch(int fd, interest what, function fn);
  /// Calls `fn` with the number of each signal that arrives. Signals that come together may be merged. While any
  /// subscription of the process names a signal, its default action does not happen.
  subscription signals(std::initializer_list<int> set, std::function<void(int)> fn);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace lovage::io
