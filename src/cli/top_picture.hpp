// What `lovage top` shows of one moment.
#pragma once

#include "monitor/cluster.hpp"
#include "monitor/figures.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lovage::cli {

/// A count that the broker does not tell is nothing.
struct top_queue {
  std::string name;
  std::uint64_t ready = 0;
  std::optional<std::uint64_t> delayed, claimed, dead;
  bool paused = false;
  std::optional<double> change;  ///< of what waits, messages a second; nothing before the second look
};

struct top_failure {
  time_point at;
  std::string name, error, worker, id;
};

struct top_picture {
  std::string broker;  ///< masked
  time_point now{}, since{};
  std::string fault;               ///< why something is not known; empty: all is
  std::uint64_t events = 0;        ///< heard of
  monitor::rates rate;             ///< over 60 seconds
  monitor::counts total;           ///< of the last 15 minutes
  monitor::percentiles run, wait;  ///< over 5 minutes
  std::vector<double> ended;       ///< tasks a second, second by second, the newest last
  std::vector<monitor::worker_record> workers;
  std::vector<top_queue> queues;
  std::vector<monitor::running_task> running;  ///< oldest first
  std::vector<top_failure> failures;           ///< newest first
};

}  // namespace lovage::cli
