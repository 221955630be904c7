#pragma once

#include "broker/topology.hpp"

#include <string>
#include <vector>

namespace lovage::work {

struct banner_facts {
  std::string node, broker, results, pool;
  std::size_t concurrency = 0, reserve = 0;
  std::string health;  ///< URL, or empty
  std::vector<broker::queue_spec> queues;
  std::vector<std::string> tasks;
};

/// The start-up text of a worker, in the shape Celery's users know.
[[nodiscard]] std::string banner(banner_facts const& facts);

}  // namespace lovage::work
