// Hears a broker's events, as long as it takes.
#pragma once

#include "app/event_receiver.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace lovage::monitor {

/// One thread. A broker that is away is tried again after a second, then after more, at most every ten.
class event_stream {
 public:
  /// `deliver` may wait: nothing more is taken meanwhile.
  event_stream(std::shared_ptr<detail::app_state> of, std::function<void(std::vector<wire::event>)> deliver)
      : app_{std::move(of)}, deliver_{std::move(deliver)} {}
  ~event_stream() { stop(); }
  event_stream(event_stream const&) = delete;
  event_stream& operator=(event_stream const&) = delete;

  void start();
  /// Waits until it hears, or knows why not. What is sent after it hears is not missed.
  void await_first(std::chrono::milliseconds at_most) const;
  /// May come first, and twice.
  void stop();
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  [[nodiscard]] std::string fault() const;
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  void run();
  expected<void> hear();
  void set_fault(std::string text);
  void set_heard(std::unique_ptr<detail::event_receiver> from);

  std::shared_ptr<detail::app_state> const app_;
  std::function<void(std::vector<wire::event>)> const deliver_;
  std::atomic<bool> connected_{false}, stop_{false};
  std::atomic<std::uint64_t> refused_{0};
  std::thread thread_;
  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable wake_;
  std::unique_ptr<detail::event_receiver> heard_;
  std::string fault_;
};

}  // namespace lovage::monitor
