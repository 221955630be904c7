// A task in the worker's hands, as inspect commands show it.
#pragma once

#include "execute/request.hpp"

#include <optional>

namespace lovage::work {

enum class task_phase {
  scheduled,  ///< waits for its time or for its rate limit
  reserved,   ///< taken from the broker, not begun
  active,     ///< runs
};

/// A copy: it may be over by the time it is looked at.
struct task_view {
  task_phase phase = task_phase::reserved;
  wire::task_message message;
  queue_name queue;
  int priority = 0;
  std::uint64_t job = 0;
  bool acknowledged = false;
  int pid = 0;                        ///< zero until it runs
  std::optional<time_point> started;  ///< when it began to run
  std::string exchange = {}, routing_key = {};
  bool redelivered = false;
};

}  // namespace lovage::work
