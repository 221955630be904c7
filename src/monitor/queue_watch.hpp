// Looks at the broker's queues now and then.
#pragma once

#include "app/app_state.hpp"
#include "monitor/monitor.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lovage::monitor {

/// Tasks that were sent to, and taken from, a queue since the start, as events tell.
struct queue_traffic {
  std::uint64_t sent = 0, taken = 0;
};

/// Rates from two looks: the difference of depths, and what events tell in between.
struct queue_look {
  time_point at{};
  std::uint64_t ready = 0;
  queue_traffic traffic;
};
struct queue_rates {
  double in = 0, out = 0;
};
[[nodiscard]] queue_rates rates_between(queue_look const& before, queue_look const& after);

/// *Threads*: one at a time. *Memory*: 1,000 queues.
class queue_watch {
 public:
  static constexpr std::size_t most_queues = 1'000;

  queue_watch(std::shared_ptr<detail::app_state> of) : app_{std::move(of)} {}
  /// All but `oldest` and `consumers`. Errors: what the broker says; then it is connected to anew next time.
  [[nodiscard]] expected<std::vector<queue_picture>> look(std::map<std::string, queue_traffic> const& traffic,
                                                          time_point now);
  /// Why this task is in the dead set; nothing when it is not, or the broker has none.
  [[nodiscard]] expected<std::optional<std::string>> dead_reason(std::string const& queue, std::string const& task);

 private:
  expected<void> open();
  std::shared_ptr<detail::app_state> const app_;
  std::unique_ptr<broker::inspector> on_;
  broker::traits able_;
  std::map<std::string, queue_look> before_;
};

}  // namespace lovage::monitor
