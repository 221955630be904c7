// Who is there and what runs: the picture that events give of the workers.
#pragma once

#include "monitor/task_record.hpp"
#include "wire/event.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace lovage::monitor {

enum class worker_state : std::uint8_t {
  online,   ///< heard of within twice its interval, and a second
  lost,     ///< went silent without saying so
  offline,  ///< said that it ends
};
/// "online", "lost", "offline".
[[nodiscard]] char const* to_string(worker_state s) noexcept;

/// A task that a worker runs now.
struct running_task {
  std::string id, name;
  std::string args, kwargs;  ///< cut to 256 octets
  std::string worker;
  time_point started;
  std::optional<std::int64_t> pid;  ///< of the process that runs it, where events or the worker tell
};

struct worker_record {
  std::string name;  ///< "celery@host"
  worker_state state = worker_state::online;
  std::string software, version, system;  ///< "lovage" or "py-celery"; empty until a heartbeat
  std::optional<std::int64_t> pid;
  time_point since;                        ///< came online, as far as is known
  time_point heard;                        ///< its last event arrived
  std::optional<time_point> heartbeat;     ///< its last heartbeat arrived
  double interval = 2;                     ///< seconds between heartbeats
  std::int64_t active = 0, processed = 0;  ///< as its heartbeat says
  std::uint64_t received = 0, started = 0, succeeded = 0, failed = 0,
                retried = 0;  ///< as seen since the monitor started
  std::optional<std::array<double, 3>> load;
};

/// Folds events; knows no clock but what it is told. *Threads*: one at a time. *Memory*: the newest 1,000 workers,
/// 10,000 running tasks, as many received ones, whose arguments it keeps until they run, and as many ids
/// of ended ones; more push out the oldest.
class cluster {
 public:
  static constexpr std::size_t most_workers = 1'000, most_tasks = 10'000;

  /// `arrived` is now.
  void add(wire::event const& e, time_point arrived);
  /// Time passed: who has gone silent is lost.
  void tick(time_point now);

  /// By name.
  [[nodiscard]] std::vector<worker_record> workers() const;
  [[nodiscard]] std::optional<worker_record> worker(std::string const& name) const;
  /// Oldest first; of all workers when `worker` is empty.
  [[nodiscard]] std::vector<running_task> running(std::string const& worker = {}) const;
  [[nodiscard]] std::size_t running_count() const noexcept { return running_.size(); }
  /// Names of workers that changed since the last call.
  [[nodiscard]] std::vector<std::string> take_changed();

 private:
  struct known {
    std::string name, args, kwargs;
    std::uint64_t order;
  };
  void add_worker(wire::event const& e, time_point arrived);
  void add_task(wire::event const& e, time_point arrived);
  void add_received(std::string const& id, wire::event const& e);
  void add_started(std::string const& id, wire::event const& e, time_point arrived);
  void add_ended(std::string const& id, std::int64_t at);
  void forget_received(std::string const& id);
  void end_all(std::string const& worker);
  worker_record& touch(std::string const& name, time_point arrived);

  std::map<std::string, worker_record> workers_;
  std::unordered_map<std::string, running_task> running_;
  std::unordered_map<std::string, known> received_;
  std::map<std::uint64_t, std::string> received_order_;
  std::unordered_map<std::string, std::int64_t> ended_;  // when, in microseconds: a start that is told late is none
  std::deque<std::string> ended_order_;
  std::set<std::string> changed_;
  std::uint64_t next_ = 0;
};

}  // namespace lovage::monitor
