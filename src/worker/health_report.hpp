// What a worker says of itself to probes. Pure.
#pragma once

#include "health/server.hpp"
#include "worker/consumer.hpp"

#include <chrono>
#include <string>

namespace lovage::work {

struct health_facts {
  std::string node;
  consumer_state consumer;
  bool pool_up = false;
  bool stopping = false;
  std::string trouble;                           ///< why it is not connected yet
  std::chrono::steady_clock::time_point beat{};  ///< when its loop last came round
  std::chrono::steady_clock::time_point now{};
};

/// After this long without coming round the loop is taken for stuck: well beyond what its steps may take.
inline constexpr std::chrono::seconds stuck_after{60};

/// Good while the worker's loop comes round, connected or not.
[[nodiscard]] health::answer liveness(health_facts const& f);
/// Good while messages reach it and something runs them.
[[nodiscard]] health::answer readiness(health_facts const& f);

}  // namespace lovage::work
