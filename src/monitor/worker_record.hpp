// What is known of one worker.
#pragma once

#include "core/clock.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace lovage::monitor {

enum class worker_state : std::uint8_t {
  online,   ///< heard of within twice its interval, and a second
  lost,     ///< went silent without saying so
  offline,  ///< said that it ends, or was last heard of before the monitor started
};
/// "online", "lost", "offline".
[[nodiscard]] char const* to_string(worker_state s) noexcept;

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

}  // namespace lovage::monitor
