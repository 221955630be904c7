// The live stream: what the monitor tells, made into events once and given to every listener.
#pragma once

#include "monitor/monitor.hpp"
#include "web/event_queue.hpp"

#include <lovage/value.hpp>

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace lovage::web {

/// *Threads*: any. *Lifetime*: the monitor outlives it. *Memory*: a few events for each listener, most of them shared.
class live {
 public:
  static constexpr std::size_t most_listeners = 1'000;
  static constexpr std::size_t tasks_a_second = 200;

  live(monitor::monitor& eyes, bool masked) : eyes_{eyes}, masked_{masked} {}
  ~live() { stop(); }

  /// From now on the monitor is heard.
  void start();
  /// Ends all streams. May come first, and twice.
  void stop();
  /// A new listener, greeted with everything as it is; null when there are too many.
  [[nodiscard]] std::shared_ptr<event_queue> listen();
  [[nodiscard]] std::size_t listeners();

 private:
  void heard(monitor::change const& c);
  [[nodiscard]] std::vector<shared_event> tasks_of(monitor::change const& c);
  [[nodiscard]] std::vector<shared_event> pictures_of(monitor::snapshot const& s, std::set<std::string> const* only);
  void tell(std::vector<shared_event> const& what);

  monitor::monitor& eyes_;
  bool const masked_;
  std::shared_ptr<void> subscription_;
  std::mutex mutex_;  // guards what follows
  std::vector<std::shared_ptr<event_queue>> queues_;
  std::size_t tasks_told_ = 0, tasks_more_ = 0;
  std::set<std::string> changed_;  // workers, since the last second
  bool stopped_ = false;
};

}  // namespace lovage::web
