// Looks whether something runs for too long, and has the thread in which it does write its stack.
#pragma once

#include "pool/pool.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lovage::pool {

/// Something that runs.
struct sighting {
  std::uint64_t job = 0;  ///< zero: no single job
  int thread = 0;         ///< its id; zero: not known
  std::chrono::steady_clock::time_point since{};
};

/// Which of those that run have been running for too long; names each once. Pure: the time comes in.
class overdue {
 public:
  explicit overdue(std::chrono::nanoseconds limit) : limit_{limit} {}
  [[nodiscard]] std::vector<sighting> step(std::vector<sighting> const& running,
                                           std::chrono::steady_clock::time_point now);

 private:
  std::chrono::nanoseconds limit_;
  std::vector<sighting> named_;
};

/// The same on a thread of its own. It looks four times within the limit, but once in a second at least.
class watchdog {
 public:
  using look_function = std::function<std::vector<sighting>()>;
  using tell_function = std::function<void(event&&)>;

  /// `look` and `tell` are called from its thread. Throws std::system_error when there can be no thread.
  watchdog(std::chrono::nanoseconds limit, look_function look, tell_function tell);
  ~watchdog();
  watchdog(watchdog const&) = delete;
  watchdog& operator=(watchdog const&) = delete;

 private:
  static event event_of(sighting const& s);
  void run(std::chrono::nanoseconds limit, look_function const& look, tell_function const& tell);

  std::mutex m_;
  std::condition_variable changed_;
  bool ends_ = false;
  std::thread thread_;
};

/// Has each of these threads write its stack.
void ask_for_stacks(std::vector<sighting> const& of);

}  // namespace lovage::pool
