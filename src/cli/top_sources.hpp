// Where the picture of `lovage top` comes from: events, and a look at the queues every two seconds.
#pragma once

#include "app/event_receiver.hpp"
#include "cli/top_picture.hpp"

#include <lovage/app.hpp>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace lovage::cli {

/// Folds events into the newest failures, which the cluster does not keep. *Memory*: 100 failures, the names of 10,000
/// tasks.
class failure_fold {
 public:
  void add(wire::event const& e, time_point arrived);
  [[nodiscard]] std::vector<top_failure> newest() const { return {failures_.begin(), failures_.end()}; }

 private:
  std::deque<top_failure> failures_;
  std::unordered_map<std::string, std::string> names_;
  std::deque<std::string> in_order_;
};

/// What waits in a queue between two looks.
[[nodiscard]] std::optional<double> change_of(std::vector<top_queue> const& before, top_queue const& now,
                                              std::chrono::duration<double> apart);

/// *Threads*: any; two of its own. *Lifetime*: the app outlives it. A broker that is away is waited for.
class top_sources {
 public:
  explicit top_sources(app& on);
  ~top_sources();
  top_sources(top_sources const&) = delete;
  top_sources& operator=(top_sources const&) = delete;

  [[nodiscard]] top_picture picture();

 private:
  void hear();
  void look();
  void look_once(deadline until);
  /// False when it ends meanwhile.
  bool rest(std::chrono::milliseconds how_long);

  app& on_;
  std::string const broker_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool ending_ = false;
  detail::event_receiver* heard_ = nullptr;  ///< to be interrupted at the end
  monitor::cluster cluster_;
  monitor::figures figures_;
  failure_fold failures_;
  time_point since_{};
  std::uint64_t events_ = 0;
  std::string event_fault_ = "the broker has not answered yet", queue_fault_ = event_fault_;
  std::vector<top_queue> queues_;
  std::chrono::steady_clock::time_point looked_{};
  std::thread hearing_, looking_;
};

}  // namespace lovage::cli
