// The thread that talks to broker and backend: takes messages in, hands them to the pool, and turns what the pool says
// into results and acknowledgements.
//
//      claim --> take_in --> pool.submit          pool events --> conclude --> publish, store, settle
//        ^                                             |
//        +---- interrupt <-----------------------------+
#pragma once

#include "app/app_state.hpp"
#include "execute/conclude.hpp"
#include "execute/intake.hpp"
#include "pool/pool.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace lovage::work {

struct consumer_options {
  std::vector<queue_name> queues;
  std::size_t reserve = 4;  ///< most messages held at once
  std::chrono::seconds result_expires{86400};
};

/// *Threads*: everything may be called from any thread. *Lifetime*: the pool outlives it.
class consumer {
 public:
  consumer(detail::app_state& app, execute::policy policy, pool::pool& jobs, consumer_options options);
  ~consumer();
  consumer(consumer const&) = delete;
  consumer& operator=(consumer const&) = delete;

  /// Connects; errors as the drivers give them.
  [[nodiscard]] expected<void> open(deadline until);
  void start();
  /// For the pool's event sink.
  void on_events(std::vector<pool::event>&& events);
  /// The message with this tag begins to run. Cheap.
  void on_started(std::uint64_t tag) { source_->started(tag); }
  /// Takes nothing new, gives back what has not begun, and waits until what runs is done and settled; false when some
  /// still runs at the deadline.
  [[nodiscard]] bool drain(deadline until);
  /// Ends the thread after a last attempt to store what is finished.
  void stop_thread();
  /// Ends the thread and gives back everything unsettled. May come twice.
  void close();

 private:
  void run();
  void turn();
  void collect();
  void apply(pool::event& e);
  void finish(std::uint64_t tag, pool::event& e);
  [[nodiscard]] bool flush();
  void claim(std::size_t room);
  void hand_over(std::vector<execute::request>&& requests);
  void give_back_unstarted();
  void report(char const* what, error_info const& why);
  void store(std::vector<wire::result_record>& records, backend::result_backend& to, expected<void>& outcome,
             deadline until);

  detail::app_state& app_;
  execute::policy const policy_;
  pool::pool& pool_;
  consumer_options const options_;
  std::shared_ptr<broker::producer> producer_;
  std::shared_ptr<backend::result_backend> results_;
  std::unique_ptr<broker::consumer> source_;

  // the consumer thread's own
  std::unordered_map<std::uint64_t, execute::request> in_flight_;
  execute::effects pending_;
  int failures_ = 0;

  std::mutex mutex_;  // guards inbox_ and idle_
  std::condition_variable changed_;
  std::vector<pool::event> inbox_;
  bool idle_ = false;  ///< nothing in flight, nothing pending

  std::atomic<bool> draining_{false}, closing_{false};
  std::thread thread_;
  std::optional<detail::clock_listener> clock_;  ///< a test's clock moved: look again for what is due
};

}  // namespace lovage::work
