// The two connections of a consumer, which live and die together: one asks, the other hears.
//
//      asks                            server                          hears
//       |-- CLIENT TRACKING REDIRECT --->|                               |
//       |-- EXISTS lists (watch) ------->|                               |
//       |-- claim: nothing there ------->|                               |
//       |                          somebody pushes                       |
//       |                                |-- invalidate: this list ----->| claim again
//
// The server tells once per watch that a list has changed (client-side caching, used as a bell): no polling, and no
// message leaves its list before a script has written down who has it. A server that does not know the commands, or
// does not allow them, is asked every 50 ms instead.
#pragma once

#include "broker/redis/channels.hpp"
#include "redis/client.hpp"

#include <atomic>
#include <chrono>
#include <optional>

namespace lovage::broker::redis_broker {

/// *Threads*: one at a time; `up` from any.
class feed {
 public:
  struct wishes {
    std::vector<std::string> watched;    ///< keys
    std::vector<std::string> patterns;   ///< to subscribe to
    lovage::redis::commands on_connect;  ///< done at every connection
  };
  explicit feed(lovage::redis::client const& like);

  /// From the next `ensure` on.
  void wish(wishes what);
  /// Connected, again where needed. Errors: as the connection's; nothing is waited for once `wake` is readable.
  [[nodiscard]] expected<void> ensure(deadline until, int wake);
  [[nodiscard]] bool up() const noexcept { return up_; }

  /// Answers in order. A failure ends both connections. What was asked by `ask` is waited for first.
  [[nodiscard]] expected<std::vector<lovage::redis::reply>> run(lovage::redis::commands const& what, deadline until);
  /// Asks; `answers` gets what comes.
  [[nodiscard]] expected<void> ask(lovage::redis::commands const& what, deadline until);
  [[nodiscard]] bool asked() const noexcept { return awaited_ > 0; }
  /// Nothing when it has not all come until the deadline, or until `wake` is readable: it is still awaited. A server
  /// that says nothing for the heartbeat is given up.
  [[nodiscard]] expected<std::optional<std::vector<lovage::redis::reply>>> answers(deadline until, int wake = -1);

  /// Whether a change of a watched key will end `wait`.
  [[nodiscard]] bool watching() const noexcept { return watching_; }
  [[nodiscard]] bool can_watch() const noexcept { return can_watch_; }
  /// Appends the commands that watch; their answers, `watch_answers` of them, tell whether it worked.
  void watch(lovage::redis::commands& out) const;
  static constexpr std::size_t watch_answers = 2;
  void watched(lovage::redis::reply const& caching, lovage::redis::reply const& exists);

  /// Until a watched key changed, a channel message came, it is time to look whether the server lives, `wake` is
  /// readable, or the deadline.
  [[nodiscard]] expected<void> wait(deadline until, int wake);
  [[nodiscard]] std::vector<channel_message> take_messages() { return std::exchange(messages_, {}); }

  /// Both connections are of no further use.
  void lose(error_info const& why);

 private:
  using clock = std::chrono::steady_clock;
  [[nodiscard]] expected<void> connect(deadline until);
  [[nodiscard]] expected<void> set_up(deadline until);
  [[nodiscard]] expected<void> hear(deadline until);
  [[nodiscard]] expected<void> adapt(deadline until);
  [[nodiscard]] expected<bool> track(std::string const& listener, deadline until);
  [[nodiscard]] expected<void> ping_when_quiet();
  [[nodiscard]] clock::time_point next_sign() const;
  void digest(lovage::redis::reply&& said);
  void cannot_watch(lovage::redis::reply const& refusal);
  [[nodiscard]] bool silent(clock::time_point since) const;

  std::unique_ptr<lovage::redis::client> const like_;
  wishes what_;
  std::vector<std::string> heard_patterns_;  ///< subscribed to on this connection
  bool changed_ = false;                     ///< wishes that this connection does not know
  std::chrono::milliseconds const heartbeat_;
  io::link link_;
  error_info why_{errc::timeout, "no time to connect to Redis", {}};
  std::unique_ptr<lovage::redis::connection> asks_, hears_;
  std::atomic<bool> up_{false};
  bool watching_ = false, can_watch_ = true;
  std::size_t awaited_ = 0;
  std::vector<lovage::redis::reply> came_;
  clock::time_point asked_at_{}, heard_{};
  std::optional<clock::time_point> pinged_;
  std::vector<channel_message> messages_;
};

}  // namespace lovage::broker::redis_broker
