// Events as text: one line each, as `celery events --dump` writes them, or a picture of workers and tasks. Pure.
#pragma once

#include "cli/text_table.hpp"
#include "wire/event.hpp"

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <unordered_map>

namespace lovage::cli {

/// Keeps the names of the newest tasks, since only their first event has them.
class event_dump {
 public:
  /// "celery@box [2026-11-25 10:00:00.250000+00:00] task succeeded: shop.add(6f1c...) args=(2, 3) kwargs={} ...",
  /// without a line end. `received`: Unix seconds.
  [[nodiscard]] std::string line(wire::event const& e, double received);

 private:
  [[nodiscard]] std::string task_of(wire::event const& e);
  std::unordered_map<std::string, std::string> names_;
  std::list<std::string> in_order_;  ///< oldest first
};

/// What is known of workers and tasks from their events.
class event_table {
 public:
  using time = std::chrono::steady_clock::time_point;

  void add(wire::event const& e, time now);
  /// So many lines at most, none longer than `width` characters.
  [[nodiscard]] std::string text(std::size_t height, std::size_t width, time now) const;

 private:
  struct worker {
    std::int64_t active = 0, processed = 0;
    std::string load, software;
    std::chrono::duration<double> rhythm{2};
    time heard{};
    bool offline = false;
  };
  struct task {
    std::string id, name, arguments, worker, state, about;
    double at = 0;  ///< Unix seconds of its newest event
  };
  void add_worker(wire::event const& e, time now);
  void add_task(wire::event const& e);
  [[nodiscard]] std::vector<text_row> worker_rows(time now) const;

  std::map<std::string, worker> workers_;
  std::list<task> tasks_;  ///< newest first
  std::unordered_map<std::string, std::list<task>::iterator> by_id_;
  std::uint64_t heard_ = 0;
};

}  // namespace lovage::cli
