// What systemd wants to know of a service of Type=notify.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace lovage::health {

/// Speaks sd_notify(3)'s protocol: lines in one datagram to the socket of $NOTIFY_SOCKET. Without that variable nothing
/// is said. A message that cannot be sent is dropped. *Threads*: any.
class service_manager {
 public:
  /// Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID.
  static service_manager from_environment();
  /// `socket`: a path, or '@' and an abstract name; empty: nobody listens.
  service_manager(std::string socket, std::optional<std::chrono::microseconds> watchdog)
      : socket_{std::move(socket)}, watchdog_{watchdog} {}

  void ready(std::string_view status) const { say("READY=1\nSTATUS=" + std::string{status}); }
  /// Shutting down; or, to start again under the same process id, reloading.
  void stopping() const { say("STOPPING=1"); }
  void reloading() const;
  void alive() const { say("WATCHDOG=1"); }
  /// How often `alive` is to be said: half of what systemd allows. Nothing: it does not watch.
  [[nodiscard]] std::optional<std::chrono::microseconds> interval() const;

 private:
  void say(std::string const& lines) const;
  std::string socket_;
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace lovage::health
