// Who is there and what runs: the picture that events give of the workers.
#pragma once

#include "monitor/task_record.hpp"
#include "monitor/worker_record.hpp"
#include "wire/event.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace lovage::monitor {

/// A task that a worker runs now.
struct running_task {
  std::string id, name;
  std::string args, kwargs;  ///< cut to 256 octets
  std::string worker;
  time_point started;
  std::optional<std::int64_t> pid;  ///< of the process that runs it, where events or the worker tell
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

  /// Workers of before, as the history has them: offline, until they are heard again. Those that are known already stay
  /// as they are.
  void remember(std::vector<worker_record> of_before);

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
  std::set<std::string> remembered_;  // not heard since
  std::unordered_map<std::string, running_task> running_;
  std::unordered_map<std::string, known> received_;
  std::map<std::uint64_t, std::string> received_order_;
  std::unordered_map<std::string, std::int64_t> ended_;  // when, in microseconds: a start that is told late is none
  std::deque<std::string> ended_order_;
  std::set<std::string> changed_;
  std::uint64_t next_ = 0;
};

}  // namespace lovage::monitor
