// What a scheduler says of itself to probes and to Prometheus. Pure.
#pragma once

#include "health/server.hpp"

#include <lovage/types.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace lovage::beats {

/// What became of the occurrences since the program started.
struct run_counts {
  std::uint64_t sent = 0;
  std::uint64_t late = 0;      ///< of those: more than `late_after` behind their moment
  std::uint64_t left_out = 0;  ///< too late, or the run before had not ended
  std::uint64_t refused = 0;   ///< their messages cannot be
};

struct health_facts {
  std::string name;
  std::string leader;  ///< who leads; empty: not known
  bool leads = false;
  bool stopping = false;
  std::string store_trouble;  ///< why the store of schedules cannot be reached
  std::string send_trouble;   ///< why nothing can be sent
  std::size_t entries = 0;    ///< that it sends: none while another leads
  run_counts runs;
  std::optional<time_point> last_tick;             ///< when it last looked for what is due
  std::chrono::steady_clock::time_point turned{};  ///< when its loop last came round
  std::chrono::steady_clock::time_point now{};
};

/// A run that is sent this much behind its moment is counted as late.
inline constexpr std::chrono::seconds late_after{1};
/// After this long without coming round the loop is taken for stuck: well beyond what its steps may take.
inline constexpr std::chrono::seconds stuck_after{60};

/// Good while its loop comes round, whatever it can reach.
[[nodiscard]] health::answer liveness(health_facts const& f);
/// Good while it leads or knows who does, and what is due can be sent.
[[nodiscard]] health::answer readiness(health_facts const& f);
/// In Prometheus' text format, version 0.0.4.
[[nodiscard]] std::string metrics_page(health_facts const& f);

}  // namespace lovage::beats
