// Tells monitors what happens here: events of tasks in batches, events of the worker singly, and its heartbeat.
//
//   send --> [ bounded buffer ] --> thread: encode, publish
//
// A producer and a thread of its own: a broker that is away costs events, oldest first, and never a task's time.
#pragma once

#include "app/app_state.hpp"
#include "app/event_mail.hpp"
#include "core/lamport.hpp"
#include "worker/fault_log.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace lovage::work {

/// What a heartbeat says beside its own rhythm.
struct vitals {
  std::int64_t active = 0;     ///< tasks that run
  std::int64_t processed = 0;  ///< tasks done since the start
};

struct event_sender_options {
  std::string node;
  bool task_events = false;
  bool heartbeat = true;  ///< also "worker-online" and "worker-offline"
  std::chrono::duration<double> interval{2};
  std::size_t most_kept = 20'000;  ///< events that wait for the broker
};

/// *Threads*: `start` and `stop` belong to one thread, the rest to any. *Lifetime*: the app and the clock outlive it.
class event_sender {
 public:
  event_sender(detail::app_state& app, lamport_clock& clock, event_sender_options options, std::function<vitals()> how);
  ~event_sender();
  event_sender(event_sender const&) = delete;
  event_sender& operator=(event_sender const&) = delete;

  /// Stops where the broker carries no events; `on` is where it would send. What was sent before waits for it.
  void start(broker::traits const& on);
  /// Sends what is left, "worker-offline" last, or gives up after a second. May come first, may come twice.
  void stop();

  /// Whether events of tasks are wanted.
  [[nodiscard]] bool enabled() const noexcept { return enabled_; }
  /// True: it changed.
  bool enable() noexcept { return !enabled_.exchange(true); }
  bool disable() noexcept { return enabled_.exchange(false); }
  [[nodiscard]] std::atomic<bool> const& flag() const noexcept { return enabled_; }

  /// Queues it, until `stop`, with sender, time (where it has none), process and clock filled in. Never waits.
  void send(wire::event e);
  void send(std::vector<wire::event>&& several);
  /// A heartbeat now, with this rhythm in it.
  void beat(std::chrono::duration<double> interval);

  /// Events that were dropped since the start because the broker did not take them.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  using steady = std::chrono::steady_clock;

  void run();
  void turn();
  void stamp(wire::event& e);
  void trim();  // with the lock held
  [[nodiscard]] wire::event of_worker(char const* type, std::chrono::duration<double> interval) const;
  [[nodiscard]] std::vector<broker::outgoing> pack();
  [[nodiscard]] expected<void> publish(deadline until);
  void forget_unsent();
  void tell_drops();

  detail::app_state& app_;
  lamport_clock& clock_;
  event_sender_options const options_;
  std::function<vitals()> const vitals_;
  event_mail::settings const mail_;
  std::int64_t const pid_;
  std::atomic<double> west_;
  std::atomic<bool> enabled_;
  std::atomic<std::uint64_t> dropped_{0};

  // the thread's own
  std::shared_ptr<broker::producer> producer_;
  std::vector<broker::outgoing> unsent_;
  fault_log faults_;
  steady::time_point next_beat_{}, told_drops_{};
  std::uint64_t drops_told_ = 0;
  std::thread thread_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<wire::event> waiting_;  ///< oldest first
  std::size_t held_ = 0;              ///< events in `unsent_`
  bool stop_ = false, urgent_ = false, running_ = false;
};

}  // namespace lovage::work
