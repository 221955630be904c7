// Running opaque jobs: bytes in, bytes out. Knows nothing of tasks.
#pragma once

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::pool {

/// Why a running job shall end; the numbers are those of abi.h.
enum class stop_reason { none = 0, asked = 1, soft_limit = 2 };

/// What a running job sees of the pool. *Threads*: the job's own.
class job_channel {
 public:
  virtual ~job_channel() = default;
  /// Sends bytes to the worker while the job runs (progress). They arrive, in order, before the job's end.
  virtual void send(std::string_view message) = 0;
  /// Whether the worker wants the job to end: it was asked to (cold shutdown, revocation), or its soft limit passed.
  [[nodiscard]] virtual stop_reason why_stop() const noexcept = 0;
  [[nodiscard]] bool stop_requested() const noexcept { return why_stop() != stop_reason::none; }
  /// What runs, for people who look at the list of processes. Does nothing where jobs have no process of their own.
  virtual void show(std::string_view what) { (void)what; }
};

/// What turns jobs that go on, an event loop as a rule: `post(self, run, with)` has its thread call `run(with)` soon,
/// once; 0: it cannot. Any thread, for the life of the process.
struct driver {
  int (*post)(void* self, void (*run)(void* with), void* with) = nullptr;
  void* self = nullptr;
};

/// A job that may go on when what opened it has returned. *Threads*: any.
class open_job : public job_channel {
 public:
  /// The job's outcome; exactly once.
  virtual void finish(std::string outcome) = 0;
  /// `stop` is called, from any thread, when the job shall end, at once if that is so already; at most once and never
  /// after `finish` returned. It must not call into the pool.
  virtual void when_stopped(std::function<void()> stop) = 0;
  /// Runs `f`, which must not throw, in the thread that opens jobs, once that has time. After `kill` it is not run;
  /// false: it surely is not.
  virtual bool on_opener(std::function<void()> f) = 0;
  /// Says what turns it; for the watchdog.
  virtual void driven_by(driver by) = 0;
};

/// Runs one job. Must not throw: what it returns is the outcome. Runs in a pool thread or child.
using runner = std::function<std::string(std::string_view payload, job_channel& channel)>;

/// Begins a job, which then ends by `finish`. Must not throw. For the coroutine pool.
using opener = std::function<void(std::string payload, std::shared_ptr<open_job> job)>;

struct job {
  std::uint64_t id = 0;
  std::string payload;
  std::optional<std::chrono::milliseconds> soft_limit, hard_limit;  ///< counted from the start of the job
};

enum class event_kind {
  started,     ///< a slot took the job; `pid` says where
  message,     ///< `payload` is what the job sent
  finished,    ///< `payload` is what the runner returned
  lost,        ///< the child died: `reason` such as "signal 11 (SIGSEGV)", "exit status 3"
  timed_out,   ///< hard limit: the child was killed
  terminated,  ///< `terminate` ended it: `reason` names the signal, or says that it was cancelled
  overdue,  ///< it runs for longer than `options::watchdog` and goes on; `id` zero: one of those on an event loop does
};

struct event {
  event_kind kind = event_kind::finished;
  std::uint64_t id = 0;
  std::string payload;
  std::string reason;
  int pid = 0;
  std::chrono::nanoseconds runtime{};  ///< for finished, lost, timed_out, overdue
};

/// Receives events in batches, in order per job. Called from pool threads; must not block for long or throw.
using event_sink = std::function<void(std::vector<event>&&)>;

struct options {
  std::size_t concurrency = 1;
  runner run;
  event_sink on_events;
  opener open = {};                        ///< the coroutine pool's runner
  std::uint64_t max_tasks_per_child = 0;   ///< a child that ran this many is replaced; zero: no limit
  std::uint64_t max_memory_per_child = 0;  ///< KiB resident, looked at after each job; zero: no limit
  std::string title = {};                  ///< of the worker, for process titles
  /// A job that runs for longer has its stack written to standard error, once, and `overdue` tells of it; zero: none.
  std::chrono::nanoseconds watchdog{};
};

/// One place where a job runs.
struct slot {
  int pid = 0;                                    ///< of the child, or of this process
  std::uint64_t job = 0;                          ///< what runs there; zero: nothing
  std::uint64_t done = 0;                         ///< jobs it finished
  std::chrono::steady_clock::time_point since{};  ///< when that job began
};

/// Life: start, submit*, stop or kill. `stop` and `kill` may come first and may come twice; a pool starts once.
/// *Threads*: `start`, `stop` and `kill` belong to one thread, and never to the event sink; the rest to any thread,
/// the sink included. *Lifetime*: what the runner refers to must outlive `stop`, and after `kill` of a thread pool
/// the process, because a job that does not heed `stop_requested()` goes on running there.
class pool {
 public:
  virtual ~pool() = default;
  [[nodiscard]] virtual char const* name() const noexcept = 0;
  /// Errors: `internal` with the reason when threads or children cannot be made.
  [[nodiscard]] virtual expected<void> start(options with) = 0;
  /// Queues jobs; each goes to the next free slot, in order. Before `start` and after `stop` they only wait for
  /// `withdraw`: nothing is lost silently.
  virtual void submit(std::vector<job>&& jobs) = 0;
  /// Takes back jobs that no slot has started; their ids. Used by warm shutdown.
  [[nodiscard]] virtual std::vector<std::uint64_t> withdraw() = 0;
  /// Asks a running job (or, with 0, all) to end: `stop_requested()` becomes true for it.
  virtual void request_stop(std::uint64_t job_id) = 0;
  /// Starts no further job and waits for the running ones until the deadline; false when some still run (ask again,
  /// or `kill`). No events are sent after it returned true. Jobs that never started are left to `withdraw`.
  virtual bool stop(deadline until) = 0;
  /// Ends at once: children are killed; threads are asked to stop and left (see docs/decisions). Jobs that ran get no
  /// further event; none is sent once it returned.
  virtual void kill() = 0;
  /// Process ids that run jobs: children, or this process.
  [[nodiscard]] virtual std::vector<int> pids() const = 0;
  [[nodiscard]] virtual bool enforces_hard_limits() const noexcept = 0;

  /// How many slots it is meant to have.
  [[nodiscard]] virtual std::size_t concurrency() const { return 0; }
  /// From now on that many: grows at once, shrinks as slots become free. Any thread. Error `invalid_argument` for zero,
  /// `not_supported` where there is one slot for good.
  [[nodiscard]] virtual expected<void> resize(std::size_t concurrency) {
    (void)concurrency;
    return fail(errc::not_supported, std::string{"the "} + name() + " pool cannot change its size");
  }
  /// Ends the job that runs with this signal; its slot is replaced and `terminated` says that it is over. A job on the
  /// coroutine pool is asked to stop instead. Any thread.
  /// Error `invalid_argument` when it does not run (it may have ended just now), `not_supported` where nothing can be
  /// killed.
  [[nodiscard]] virtual expected<void> terminate(std::uint64_t job_id, int signal) {
    (void)job_id, (void)signal;
    return fail(errc::not_supported, std::string{"the "} + name() + " pool cannot end a task that runs");
  }
  /// Every child is replaced as soon as it is free. Any thread.
  [[nodiscard]] virtual expected<void> restart() {
    return fail(errc::not_supported, std::string{"the "} + name() + " pool has no processes to restart");
  }
  /// A picture of its slots. Any thread.
  [[nodiscard]] virtual std::vector<slot> slots() const { return {}; }
  /// Writes where each running job stands to standard error, where the pool can tell. Any thread.
  virtual void dump_stacks() {}
};

/// One slot. Unlike Celery's, it does not block the worker: jobs run one after the other on a thread of their own, so
/// control commands are answered and leases renewed meanwhile.
[[nodiscard]] std::unique_ptr<pool> make_solo();
/// `concurrency` threads of this process. They cannot be killed: hard limits are not enforced.
[[nodiscard]] std::unique_ptr<pool> make_threads();

/// Jobs by the thousand that mostly wait: one thread opens them with `options::open`, `concurrency` may be open at
/// once. A job that does not return from `open` holds up the others. Nothing can be killed: hard limits are not
/// enforced.
[[nodiscard]] std::unique_ptr<pool> make_coroutines();

/// Prefork. The *fork server* is this program started once more (see prefork.hpp).
[[nodiscard]] std::unique_ptr<pool> make_prefork();

}  // namespace lovage::pool
