// What remote-control commands see of the worker that runs them.
#pragma once

#include "app/app_state.hpp"
#include "broker/topology.hpp"
#include "core/lamport.hpp"
#include "pool/pool.hpp"
#include "worker/task_view.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lovage::work {

/// Doors to the parts of a worker. An empty one: this worker has no such part, and commands that need it say so. All
/// are called from the control server's thread and may take up to `command_limit`.
struct node_parts {
  /// What the worker holds; nothing when it does not answer in time.
  std::function<std::optional<std::vector<task_view>>()> tasks;
  /// Tasks begun since the start, by name.
  std::function<std::map<std::string, std::uint64_t>()> totals;
  /// Warm shutdown.
  std::function<void()> stop;

  std::function<void(std::vector<task_id> const&)> revoke;
  std::function<std::vector<task_id>()> revoked;
  /// Name of a stamp to its values, each a text.
  std::function<void(value::map const&)> revoke_stamps;
  /// For `hello`: what this node knows, and what it is told.
  std::function<value()> revoked_for_peers;
  std::function<void(value const&)> merge_revoked;

  /// `rate` is "10/m", a count per second, or zero for no limit.
  std::function<expected<void>(std::string const& task, std::string const& rate)> rate_limit;
  /// Seconds; nothing takes the limit away.
  std::function<expected<void>(std::string const& task, std::optional<double> hard, std::optional<double> soft)>
      time_limits;
  std::function<std::vector<broker::queue_spec>()> queues;
  std::function<expected<void>(broker::queue_spec const&)> add_queue;
  std::function<expected<void>(queue_name const&)> cancel_queue;
  struct range {
    std::int64_t max = 0, min = 0;
  };
  struct autoscale_state {
    range limits;
    std::int64_t current = 0, queued = 0;
  };
  /// Nothing when the worker does not scale by itself.
  std::function<std::optional<autoscale_state>()> autoscaler;
  /// What is not named stays; the limits then in force.
  std::function<expected<range>(std::optional<std::int64_t> max, std::optional<std::int64_t> min)> autoscale;

  /// True: it changed.
  std::function<bool()> enable_events, disable_events;
  /// Sends a heartbeat now.
  std::function<void()> heartbeat;
  std::function<void(std::string const& id, std::string const& topic, value const& action)> election;
};

/// How long a command waits for another part of the worker.
inline constexpr std::chrono::seconds command_limit{2};

/// *Lifetime*: what it refers to outlives it. *Threads*: one.
struct node {
  detail::app_state& app;
  std::string name;  ///< "celery@host"
  pool::pool& jobs;
  lamport_clock& clock;
  std::size_t reserve = 0;      ///< `prefetch_count`
  std::size_t concurrency = 1;  ///< of a pool that does not tell its own
  node_parts parts = {};
  std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
  std::vector<std::uint64_t> memory_samples = {};       ///< octets; of `memsample`
  std::map<std::string, std::string> rate_limits = {};  ///< of tasks, as last told by command; "0": none

  [[nodiscard]] std::size_t slots() const { return jobs.concurrency() > 0 ? jobs.concurrency() : concurrency; }
};

}  // namespace lovage::work
