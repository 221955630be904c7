// How to reach a server, as brokers and backends are told.
#pragma once

#include "core/tls_options.hpp"

#include <lovage/value.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace lovage {

/// Where several addresses are given, which one is tried next: `broker_failover_strategy`.
enum class failover { round_robin, shuffle };

struct connection_settings {
  std::string urls;  ///< one, or several separated by `;`
  std::optional<tls_options> tls;
  failover strategy = failover::round_robin;
  std::chrono::milliseconds connect_timeout{4'000};  ///< one attempt, all its steps
  /// A peer from which nothing came for this long has fallen silent; zero: never.
  std::chrono::milliseconds heartbeat{10'000};
  value::map options;  ///< `broker_transport_options`, `result_backend_transport_options`
};

}  // namespace lovage
