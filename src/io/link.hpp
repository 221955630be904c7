// The life of one connection, as a machine without clock, socket or thread.
//
//   back_off --due--> connect --connected--> set_up --ready--> run --drain--> drain
//      ^                 |                     |                |               |
//      +----- lost ------+--------- lost ------+----- lost -----+      closed <-+- lost, closed
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

namespace lovage::io {

/// Whoever owns the socket tells the link what happened and asks it what to do next. The first attempt is due at once;
/// so is the first one after a connection that ran. Every failure moves on to the next address and waits longer, by a
/// factor of two and with jitter, up to `longest_delay`, for ever.
class link {
 public:
  using clock = std::chrono::steady_clock;
  enum class phase { back_off, connect, set_up, run, drain, closed };
  struct policy {
    std::size_t addresses = 1;
    bool shuffle = false;  ///< the next address is drawn, not the one that follows
    std::chrono::milliseconds first_delay{100}, longest_delay{2'000};
  };

  /// `uniform` draws from [0, 1).
  link(policy how, clock::time_point now, std::function<double()> uniform);

  [[nodiscard]] phase now_in() const noexcept { return phase_; }
  /// Which address to connect to.
  [[nodiscard]] std::size_t address() const noexcept { return address_; }
  /// While backing off: when to connect.
  [[nodiscard]] clock::time_point due_at() const noexcept { return due_; }
  /// Failures since the link last ran.
  [[nodiscard]] std::size_t failures() const noexcept { return failures_; }

  /// back_off -> connect when it is time; true then.
  bool due(clock::time_point now);
  void connected() noexcept;
  void ready() noexcept;
  /// Refused, closed, silent, or an error: back off. A link that drains is closed.
  void lost(clock::time_point now);
  /// Finish what is under way, take nothing new. A link that does not run is closed at once.
  void drain() noexcept;
  void close() noexcept { phase_ = phase::closed; }

 private:
  policy const policy_;
  std::function<double()> const uniform_;
  phase phase_ = phase::back_off;
  std::size_t address_ = 0, failures_ = 0;
  clock::time_point due_;
};

}  // namespace lovage::io
