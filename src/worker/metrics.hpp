// Counts what happens to tasks here, for Prometheus: under Flower's names, so that its dashboards fit.
#pragma once

#include "execute/request.hpp"
#include "health/metrics_text.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace lovage::work {

/// What is known elsewhere at the moment of a scrape.
struct metrics_facts {
  std::string worker;                ///< node name
  bool online = false;               ///< messages reach it
  std::size_t active = 0;            ///< tasks that run
  std::uint64_t events_dropped = 0;  ///< the broker did not take them
};

/// *Threads*: any.
class metrics {
 public:
  /// As `execute::policy::observe`.
  void observe(execute::task_stage stage, execute::request const& r, std::chrono::nanoseconds runtime);
  /// In the text format, version 0.0.4.
  [[nodiscard]] std::string text(metrics_facts const& now) const;

 private:
  struct of_task {
    std::array<std::uint64_t, 7> stages{};
    health::runtime_histogram runtime;
  };
  mutable std::mutex mutex_;
  std::map<std::string, of_task, std::less<>> tasks_;
};

/// For `execute::policy::observe`: counts, unless `counted` is null, and tells hooks what was revoked. Empty where
/// nobody asked, since what is asked for costs each task something. *Lifetime*: what it is given outlives it.
[[nodiscard]] decltype(execute::policy::observe) make_observer(hook_table const& hooks, std::string const& node,
                                                               metrics* counted);

}  // namespace lovage::work
