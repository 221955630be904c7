// Asks workers what events do not tell.
#pragma once

#include "monitor/monitor.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace lovage::monitor {

/// *Threads*: one at a time, but `stop`. Lovage's workers and Celery's answer alike.
class worker_watch {
 public:
  explicit worker_watch(std::shared_ptr<detail::app_state> of) : app_{std::move(of)} {}

  /// Asks these, and waits for each question until all have answered, one second at most. Who does not answer is not in
  /// it; when nobody does, no further question is put. Errors: what the broker says; `not_supported` where it carries
  /// no remote control.
  [[nodiscard]] expected<std::map<std::string, worker_details>> ask(std::vector<std::string> const& names);
  /// All of one. Error `timeout` when it does not answer.
  [[nodiscard]] expected<worker_details> ask_one(std::string const& name, deadline until);

  /// No question is put any more: an `ask` that is under way ends within a second, with what it has.
  void stop() noexcept { stopped_ = true; }

 private:
  std::shared_ptr<detail::app_state> const app_;
  std::unique_ptr<remote_control> with_;
  std::vector<std::string> names_;
  std::atomic<bool> stopped_{false};
};

}  // namespace lovage::monitor
