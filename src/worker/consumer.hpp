// The thread that talks to broker and backend: takes messages in, hands them to the pool, and turns what the pool says
// into results and acknowledgements.
//
//      claim --> recognise --> admit --> pool.submit          pool events --> conclude --> outbox
//        ^                                                         |
//        +---- interrupt <-----------------------------------------+
#pragma once

#include "app/app_state.hpp"
#include "execute/conclude.hpp"
#include "execute/intake.hpp"
#include "pool/pool.hpp"
#include "worker/delivery_book.hpp"
#include "worker/fault_log.hpp"
#include "worker/outbox.hpp"
#include "worker/task_view.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

namespace lovage::work {

struct consumer_options {
  std::size_t reserve = 4;  ///< most messages held at once
  std::chrono::seconds result_expires{86400};
  bool deduplicate = false;  ///< `worker_deduplicate_successful_tasks`
  now_fn now = system_now;
  outbox::teller tell = {};  ///< events of tasks
};

/// What can be said of a consumer from outside.
struct consumer_state {
  bool attached = false;   ///< it has its connections
  bool consuming = false;  ///< messages reach it
  bool draining = false;
  std::size_t in_flight = 0;
  std::size_t active = 0;  ///< of them run
  std::uint64_t processed = 0;
  std::chrono::steady_clock::time_point turned{};  ///< when its thread last came round
};

/// How long one settling, storing or fetching may take before the consumer turns to the rest.
inline constexpr std::chrono::seconds step_limit{5};

/// *Threads*: everything may be called from any thread, but `attach` comes before `start`. *Lifetime*: the pool
/// outlives it.
class consumer {
 public:
  consumer(execute::policy policy, pool::pool& jobs, consumer_options options);
  ~consumer();
  consumer(consumer const&) = delete;
  consumer& operator=(consumer const&) = delete;

  void attach(connections to);
  void start();
  /// For the pool's event sink.
  void on_events(std::vector<pool::event>&& events);
  /// The job begins to run. Cheap.
  void on_started(std::uint64_t job);
  /// Takes nothing new, gives back what has not begun, and waits until what runs is done and settled; false when some
  /// still runs, or broker and backend do not take what is left, at the deadline.
  [[nodiscard]] bool drain(deadline until);
  /// Ends the thread after a last attempt to store what is finished.
  void stop_thread();
  /// Ends the thread and gives back everything unsettled. May come twice.
  void close();

  [[nodiscard]] consumer_state state() const;

  /// Does this on the consumer's thread, between two rounds, and waits for it; false when it did not come to it by the
  /// deadline (it is not done later either), as before `start` and after `stop_thread`. One that has begun is waited
  /// for. Not from the consumer's thread.
  [[nodiscard]] bool call(std::function<void()> what, deadline until);
  /// What it holds, in no order; nothing when the consumer does not answer by the deadline.
  [[nodiscard]] std::optional<std::vector<task_view>> tasks(deadline until);

 private:
  struct errand {
    std::function<void()> what;
    enum { waiting, running, done, given_up } state = waiting;
  };
  struct arrival {
    execute::request what;
    std::string key;
    bool may_be_copy = false;
  };

  void run();
  void turn();
  void wait(bool flushed);
  void collect();
  void run_errands();
  void apply(pool::event& e);
  void finish(std::uint64_t job, pool::event& e);
  void claim(std::size_t room);
  [[nodiscard]] std::vector<arrival> read(std::vector<broker::delivery>&& from);
  [[nodiscard]] bool is_known(arrival const& a);
  void drop_stored(std::vector<arrival>& arrivals);
  [[nodiscard]] std::vector<std::uint64_t> admit(std::vector<arrival>&& arrivals);
  void acknowledge_early(std::vector<std::uint64_t> const& jobs);
  void hand_over(std::vector<std::uint64_t> const& jobs);
  void give_back_unstarted();

  execute::policy policy_;
  pool::pool& pool_;
  consumer_options const options_;
  connections to_;

  delivery_book book_;
  // the consumer thread's own
  struct run_facts {
    int pid = 0;
    time_point since{};
  };
  std::unordered_map<std::uint64_t, execute::request> in_flight_;
  std::unordered_map<std::uint64_t, run_facts> begun_;  ///< those of them that run
  outbox owed_;
  fault_log claim_faults_;

  std::mutex mutex_;  // guards inbox_, errands_ and idle_
  std::condition_variable changed_;
  std::vector<pool::event> inbox_;
  std::vector<std::shared_ptr<errand>> errands_;
  bool idle_ = false;  ///< nothing in flight, nothing pending

  std::atomic<bool> draining_{false}, closing_{false}, attached_{false};
  std::atomic<std::size_t> running_{0}, active_{0};
  std::atomic<std::uint64_t> processed_{0};
  std::atomic<std::chrono::steady_clock::rep> turned_{0};
  std::thread thread_;
  std::optional<detail::clock_listener> clock_;  ///< a test's clock moved: look again for what is due
};

}  // namespace lovage::work
