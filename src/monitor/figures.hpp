// How much and how fast: rates and percentiles from the stream of events.
#pragma once

#include "monitor/minute.hpp"
#include "wire/event.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace lovage::monitor {

struct rates {
  double received = 0, started = 0, succeeded = 0, failed = 0, retried = 0;  ///< per second
};

/// Columns of a chart, all of one length; entry i covers `step` from `from + i * step`.
struct series {
  time_point from;
  std::chrono::seconds step{1};
  std::vector<std::uint64_t> received, started, succeeded, failed, retried;
  std::vector<std::optional<double>> run_p50, run_p95, run_p99, wait_p95;  ///< seconds
  std::map<std::string, std::vector<std::optional<std::uint64_t>>> backlog;
};

/// The last 15 minutes second by second, and whole minutes for the history. Counted by when events arrive, which only
/// goes forward. *Threads*: one at a time. *Memory*: 900 seconds of at most 9 KiB each (a few hundred octets as a
/// rule), and the times of 20,000 tasks that have not ended.
class figures {
 public:
  static constexpr std::chrono::seconds kept{900};

  void add(wire::event const& e, time_point arrived);
  /// Messages ready in these queues, as of now.
  void set_backlog(std::map<std::string, std::uint64_t> ready, time_point now);

  /// Per second, over the last `window` (at most `kept`); a figures that is younger divides by its age, at least 1 s.
  [[nodiscard]] rates per_second(std::chrono::seconds window, time_point now) const;
  [[nodiscard]] counts total(std::chrono::seconds window, time_point now) const;
  [[nodiscard]] latencies took(std::chrono::seconds window, time_point now) const;
  /// Whole steps, the last of which is over. `span` is at most `kept`; more is made by `series_of`.
  [[nodiscard]] series recent(std::chrono::seconds span, std::chrono::seconds step, time_point now) const;

  /// Minutes that are over and were not taken yet, and the running one as it is (to be replaced later).
  [[nodiscard]] std::vector<minute> take_minutes(time_point now);
  /// As far as it has come.
  [[nodiscard]] minute running_minute(time_point now) const;
  /// After a restart: the minute that was running then goes on.
  void resume(minute const& from);

 private:
  struct second {
    std::int64_t at;  // Unix seconds
    counts n;
    latencies took;
    std::map<std::string, std::uint64_t> backlog;
  };
  struct begun {
    std::optional<time_point> sent, received;
    std::uint64_t order = 0;
  };
  second& at(time_point arrived);
  minute& minute_at(std::int64_t second);
  void measure(wire::event const& e, time_point arrived, latencies& into);
  begun& task(std::string const& id);

  std::deque<second> seconds_;
  std::map<std::int64_t, minute> minutes_;  // by Unix minute
  std::unordered_map<std::string, begun> tasks_;
  std::map<std::uint64_t, std::string> task_order_;
  std::uint64_t next_ = 0;
  std::optional<std::int64_t> began_;
};

/// Of minutes, for spans longer than what figures keep. `step` of whole minutes, at least one.
[[nodiscard]] series series_of(std::span<minute const> what, time_point from, time_point to, std::chrono::seconds step);

}  // namespace lovage::monitor
