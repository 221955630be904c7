// What happened in a span of time, as numbers: what charts are drawn from.
#pragma once

#include "monitor/distribution.hpp"

#include <lovage/types.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace lovage::monitor {

/// Events by kind.
struct counts {
  std::uint64_t sent = 0, received = 0, started = 0, succeeded = 0, failed = 0, retried = 0, revoked = 0, rejected = 0;

  counts& operator+=(counts const& o) noexcept {
    sent += o.sent, received += o.received, started += o.started, succeeded += o.succeeded;
    failed += o.failed, retried += o.retried, revoked += o.revoked, rejected += o.rejected;
    return *this;
  }
  friend bool operator==(counts const&, counts const&) = default;
};

/// Times that tasks took, in seconds.
struct latencies {
  distribution run;    ///< of those that succeeded
  distribution wait;   ///< received to started
  distribution queue;  ///< sent to started, where senders tell

  latencies& operator+=(latencies const& o) { return run += o.run, wait += o.wait, queue += o.queue, *this; }
};

struct minute {
  time_point begin;  ///< whole minutes UTC
  counts n;
  latencies took;
  std::map<std::string, std::uint64_t> backlog;  ///< messages ready in each queue, as last seen in that minute
};

/// Seconds; nothing when nothing was measured.
struct percentiles {
  std::optional<double> p50, p95, p99;

  [[nodiscard]] static percentiles of(distribution const& d) { return {d.at(0.50), d.at(0.95), d.at(0.99)}; }
};

}  // namespace lovage::monitor
