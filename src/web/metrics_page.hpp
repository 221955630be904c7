// Counts what tasks everywhere do, for Prometheus: under Flower's names, so that its dashboards fit.
#pragma once

#include "health/metrics_text.hpp"
#include "monitor/monitor.hpp"

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lovage::web {

/// Events are counted from what became of tasks: a moment of a task that is new is one event. *Threads*: any.
/// *Memory*: 20,000 tasks that changed last, and 2,000 pairs of worker and task; what is beyond counts as
/// `(others)`.
class metrics_page {
 public:
  static constexpr std::size_t most_tasks = 20'000, most_names = 2'000;

  void observe(std::vector<monitor::task_record> const& changed);
  [[nodiscard]] std::string text(monitor::snapshot const& now);

 private:
  static constexpr std::size_t kinds = 8;
  using moments = std::array<std::int64_t, kinds>;
  struct counted {
    std::array<std::uint64_t, kinds> events{};
    health::runtime_histogram runtime;
    double prefetch_time = 0;
  };
  using names = std::pair<std::string, std::string>;  // worker, task
  struct known {
    moments at{};
    std::list<std::string>::iterator place;
  };
  counted& of(monitor::task_record const& t);
  moments& known_of(std::string const& id);

  std::mutex mutex_;
  std::map<names, counted> counts_;
  std::unordered_map<std::string, known> tasks_;
  std::list<std::string> recent_;  // the newest at its end
};

}  // namespace lovage::web
