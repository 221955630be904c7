// The queues of the configuration, as brokers are told of them.
#pragma once

#include "broker/topology.hpp"

#include <lovage/config.hpp>

namespace lovage::detail {

/// `task_queues`, or the default queue alone, and how others are made: names and arguments as Celery declares them
/// (wire-format 4.1), so that Python peers find what they expect.
[[nodiscard]] broker::topology known_queues(config const& c);

}  // namespace lovage::detail
