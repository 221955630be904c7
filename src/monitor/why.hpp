// Why a task does not run, from what is known at one moment.
#pragma once

#include "monitor/monitor.hpp"

#include <optional>
#include <string>
#include <vector>

namespace lovage::monitor {

struct why_facts {
  std::optional<task_record> task;
  std::vector<queue_picture> queues;
  std::vector<worker_picture> workers;
  bool queues_known = true;
  std::optional<std::string> dead;  ///< it lies in the dead set, for this reason
  time_point now{};
};

/// The first that holds, the gravest before. Nothing for a task that has ended well or failed.
[[nodiscard]] std::optional<reason> why_not_running(why_facts const& of);

}  // namespace lovage::monitor
