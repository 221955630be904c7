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
#include "worker/rate_limits.hpp"
#include "worker/reserve_gauge.hpp"
#include "worker/revocations.hpp"
#include "worker/run_claims.hpp"
#include "worker/task_view.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace lovage::work {

struct consumer_options {
  std::size_t reserve = 4;                         ///< most messages held at once
  std::size_t reserve_octets = broker::unbounded;  ///< of bodies, of what is held and does not run
  std::chrono::seconds result_expires{86400};
  bool deduplicate = false;  ///< `worker_deduplicate_successful_tasks`
  now_fn now = system_now;
  std::size_t slots = 1;   ///< of the pool, where it does not say
  bool learns = false;     ///< how much to hold follows from how long tasks run; `reserve` is the bound
  bool only_free = false;  ///< `worker_disable_prefetch`: takes no more than slots are free
  broker::queue_order order = broker::queue_order::fair;
  std::vector<broker::queue_spec> queues;  ///< it begins with; the first is the most important
  rate_limits rates;
  std::shared_ptr<revocations> revoked = std::make_shared<revocations>();  ///< never null
  outbox::teller tell = {};                                                ///< events of tasks
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
  /// How many of each task have begun; nothing when the consumer does not answer by the deadline.
  [[nodiscard]] std::map<std::string, std::uint64_t> totals(deadline until);

  // To be called through `call`.

  /// Takes from this queue too, as the least important one; made as its spec says.
  [[nodiscard]] expected<void> add_queue(broker::queue_spec queue);
  /// Takes nothing more from it; what is held of it is run. Error `invalid_argument` when it does not take from it.
  [[nodiscard]] expected<void> cancel_queue(queue_name const& queue);
  [[nodiscard]] std::vector<broker::queue_spec> const& queues() const noexcept { return queues_; }
  /// "10/m", "0" for none; also for tasks that wait already. Errors `invalid_argument`: unknown task, not a rate.
  [[nodiscard]] expected<void> set_rate_limit(std::string const& task, std::string_view text);
  /// Seconds, for tasks taken from now on that bring no limits of their own; zero: none. Errors `invalid_argument`:
  /// unknown task; `not_supported`: a hard limit the pool cannot enforce.
  [[nodiscard]] expected<void> set_time_limits(std::string const& task, double hard_s, double soft_s);
  [[nodiscard]] rate_limits const& rates() const noexcept { return rates_; }

  /// What is not to run. *Threads*: any.
  [[nodiscard]] std::shared_ptr<revocations> const& revoked() const noexcept { return options_.revoked; }

 private:
  using clock = std::chrono::steady_clock;
  struct errand {
    std::function<void()> what;
    enum { waiting, running, done, given_up } state = waiting;
  };
  struct arrival {
    execute::request what;
    std::string key;
    bool may_be_copy = false;
    std::optional<std::string> once = {};  ///< what says which sending it is, where only one is to run
  };

  void run();
  void turn();
  void wait(bool flushed);
  void collect();
  void run_errands();
  void apply(pool::event& e);
  void hear(execute::request& r, std::string_view payload);
  void finish(std::uint64_t job, pool::event& e);
  static void tell_overdue(pool::event const& e, execute::request const* r);
  /// What may be claimed now.
  struct room {
    std::size_t most = 0;
    std::vector<queue_name> from = {};  ///< empty: all
  };
  void claim(room const& into);
  void choose(std::vector<queue_name> const& from);
  [[nodiscard]] std::vector<arrival> read(std::vector<broker::delivery>&& from);
  [[nodiscard]] bool is_known(arrival const& a);
  void drop_stored(std::vector<arrival>& arrivals);
  [[nodiscard]] std::vector<arrival> claim_runs(std::vector<arrival>&& arrivals);
  [[nodiscard]] bool claim_again(clock::time_point now);
  void take_in(std::vector<arrival>&& arrivals);
  [[nodiscard]] std::vector<std::uint64_t> admit(std::vector<arrival>&& arrivals);
  void acknowledge_early(std::vector<std::uint64_t> const& jobs);
  void hand_over(std::vector<std::uint64_t> const& jobs);
  void give_back_unstarted();

  // how much to hold
  [[nodiscard]] std::size_t slots() const;
  [[nodiscard]] std::size_t rank(queue_name const& queue) const;
  [[nodiscard]] room room_now() const;
  [[nodiscard]] std::size_t octets_left() const;
  void widen_what_is_pushed();
  void follow_learning();
  [[nodiscard]] room learnt_room(std::size_t held) const;
  [[nodiscard]] room room_above_waiting() const;
  [[nodiscard]] bool waits(std::uint64_t job) const;
  void enter(std::uint64_t job, execute::request&& r);
  [[nodiscard]] std::optional<execute::request> leave(std::uint64_t job);
  [[nodiscard]] std::vector<std::uint64_t> withdraw();
  void submit(std::vector<std::uint64_t> const& jobs);
  void release(std::uint64_t job);
  void make_way(std::vector<std::uint64_t> const& fresh);
  void give_back_what_is_stuck(clock::time_point now);

  // what waits for its time, or is not to run
  enum class starts { now, held, elsewhere };
  [[nodiscard]] starts limit_rate(execute::request const& r, clock::time_point now);
  void hold(std::uint64_t job, clock::time_point until);
  void let_go(clock::time_point now);
  [[nodiscard]] clock::time_point next_start(clock::time_point otherwise) const;
  [[nodiscard]] bool is_revoked(execute::request const& r) const;
  void drop_revoked();

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
  std::unordered_map<std::uint64_t, run_facts> begun_;     ///< those of them that run
  std::map<std::string, std::uint64_t> totals_;            ///< tasks begun, by name
  std::unordered_map<std::string, std::size_t> by_queue_;  ///< how many are in flight
  std::size_t waiting_octets_ = 0;                         ///< of those in flight that do not run
  std::vector<broker::queue_spec> queues_;
  std::vector<queue_name> chosen_;  ///< as the broker's consumer was told
  reserve_gauge gauge_;
  clock::time_point last_start_{};
  std::unordered_map<std::string, std::size_t> ahead_;  ///< by queue, as the broker was told
  bool stuck_ = false;                                  ///< all slots have been busy for long
  std::size_t widened_ = 0;                             ///< slots for which the broker was told how much to push
  std::size_t beside_held_ = 0;                         ///< tasks that wait for their rate, of which it was told
  rate_limits rates_;
  std::multimap<clock::time_point, std::uint64_t> held_;    ///< in flight, by when they start
  std::unordered_map<std::string, std::size_t> held_of_;    ///< how many, by task
  std::unordered_map<std::string, clock::time_point> far_;  ///< when the next one comes that was sent away, by task
  std::unordered_map<std::string, std::pair<double, double>> time_limits_;  ///< hard and soft, by task
  std::unordered_set<std::string> unlimited_;  ///< tasks with a hard limit that the pool cannot enforce
  std::uint64_t revoked_version_ = 0;
  run_claims runs_;
  std::vector<arrival> unclaimed_;  ///< the backend was away when they came: not run before it answers
  clock::time_point next_claim_{};
  outbox owed_;
  fault_log claim_faults_, run_faults_;

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
