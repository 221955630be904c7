// When somebody should be told: rules over what is observed.
#pragma once

#include <lovage/expected.hpp>
#include <lovage/types.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lovage::monitor {

enum class alert_kind : std::uint8_t { failure_rate, backlog_age, worker_lost, schedule_missed };
/// "failure_rate", "backlog_age", "worker_lost", "schedule_missed".
[[nodiscard]] char const* to_string(alert_kind k) noexcept;

/// Zero: this rule is off.
struct alert_rules {
  double failure_rate = 0;                  ///< share of ended tasks that failed, 0 to 1, over the last five minutes
  std::uint64_t failure_least = 10;         ///< failures below which that says nothing
  std::chrono::seconds backlog_age{0};      ///< of the oldest waiting message of a queue
  std::chrono::seconds worker_lost{0};      ///< since a worker that did not say goodbye was heard of
  std::chrono::seconds schedule_missed{0};  ///< since an enabled periodic task should have been sent
};

/// What the monitor sees at one moment.
struct observation {
  std::uint64_t succeeded = 0, failed = 0;    ///< last five minutes
  std::map<std::string, double> oldest = {};  ///< seconds that the oldest message of a queue waits
  std::map<std::string, double> lost = {};    ///< seconds since lost workers were heard of
  std::map<std::string, double> late = {};    ///< seconds that periodic tasks are late
  /// What could not be asked keeps its alerts as they are.
  bool knows_queues = true, knows_schedule = true;
};

struct alert {
  std::string id;  ///< "worker_lost:celery@host": one at a time
  alert_kind kind = alert_kind::failure_rate;
  std::string subject;  ///< queue, worker or entry; empty for the failure rate
  std::string text;     ///< a sentence
  time_point since;
  std::optional<time_point> resolved;
};

/// A rule as people read it.
struct alert_rule_text {
  std::string id, kind, text;
};

/// `step(observation) -> what began and what is over`. *Threads*: one at a time. *Memory*: at most 1,000 active alerts
/// and the last 200 that are over.
class alerts {
 public:
  static constexpr std::size_t most_active = 1'000, most_recent = 200;

  explicit alerts(alert_rules rules) : rules_{rules} {}
  /// Each change once: `resolved` tells which.
  [[nodiscard]] std::vector<alert> step(observation const& seen, time_point now);
  [[nodiscard]] std::vector<alert> active() const;
  /// Over, newest first.
  [[nodiscard]] std::vector<alert> recent() const { return {recent_.begin(), recent_.end()}; }
  [[nodiscard]] std::vector<alert_rule_text> rules() const;

 private:
  struct finding;
  void collect(observation const& seen, std::map<std::string, finding>& found) const;

  alert_rules const rules_;
  std::map<std::string, alert> active_;
  std::deque<alert> recent_;
};

}  // namespace lovage::monitor
