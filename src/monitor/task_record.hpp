// What is known of one task, put together from its events.
#pragma once

#include <lovage/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lovage::monitor {

/// Celery's words. A task's own event ("task-my-progress") makes a state of its own, as Celery has it: "MY-PROGRESS".
namespace state {
inline constexpr char const* pending = "PENDING";
inline constexpr char const* received = "RECEIVED";
inline constexpr char const* started = "STARTED";
inline constexpr char const* success = "SUCCESS";
inline constexpr char const* failure = "FAILURE";
inline constexpr char const* retry = "RETRY";
inline constexpr char const* revoked = "REVOKED";
inline constexpr char const* rejected = "REJECTED";
/// Nothing is expected to come after: SUCCESS, FAILURE, REVOKED, REJECTED.
[[nodiscard]] inline bool is_end(std::string_view s) noexcept {
  return s == success || s == failure || s == revoked || s == rejected;
}
}  // namespace state

/// A plain value. Texts are UTF-8 as the event carried them, each at most `text_limit` octets; empty: not known. They
/// come from whoever sends events: never markup, never trusted.
struct task_record {
  static constexpr std::size_t text_limit = 64 * 1024;  ///< of args, kwargs, result, exception and traceback
  static constexpr std::size_t name_limit = 512;        ///< of everything else
  static constexpr std::size_t stamps_limit = 4096;     ///< longer ones are not kept

  std::string id, name;
  std::string state = state::pending;
  std::string worker, queue, exchange, routing_key;
  std::string args, kwargs, result, exception, traceback;
  std::string parent, root;
  std::string group;   ///< it is a member of
  std::string chord;   ///< what is called once all of its group have ended: id of a task, or of a group
  std::string stamps;  ///< a JSON object
  std::string client;  ///< who sent it ("gen123@host"), where senders tell
  std::string signum;  ///< by which a revoked task was ended; empty: by none
  /// Tasks that failed alike share it: 16 hexadecimal digits (`failure_text.hpp`); empty unless the task has failed.
  std::string error_group;
  std::int64_t retries = 0;
  std::int64_t clock = 0;         ///< Lamport clock of the newest event; 0: none had one
  std::optional<double> runtime;  ///< seconds, of the run that succeeded
  /// When it was last so; times of the machines that tell, a clock that runs ahead is cut to the time of arrival.
  std::optional<time_point> sent, received, started, succeeded, failed, retried, revoked, rejected;
  std::optional<time_point> eta, expires;
  /// Of the first event of it, in milliseconds, and not more than ten minutes before that arrived; never changes, and
  /// orders lists.
  time_point first{};
  time_point updated{};  ///< of the event that made the state

  [[nodiscard]] bool has_ended() const noexcept { return state::is_end(state); }
  /// When it ended; nothing while it has not.
  [[nodiscard]] std::optional<time_point> ended() const {
    if (state == state::success) return succeeded;
    if (state == state::failure) return failed;
    if (state == state::revoked) return revoked;
    if (state == state::rejected) return rejected;
    return std::nullopt;
  }
  /// Seconds between being received and started; nothing when one is not known. Never negative.
  [[nodiscard]] std::optional<double> waited() const {
    if (!received || !started || *started < *received) return std::nullopt;
    return std::chrono::duration<double>(*started - *received).count();
  }
};

/// One line of a task's timeline.
struct task_step {
  time_point at;
  std::string what;    ///< "sent", "received", "started", "succeeded", "failed", "retried", ... or a task's own word
  std::string worker;  ///< or who sent it
  std::string text;    ///< the start of result or exception, or of an own event's fields; may be empty
};

}  // namespace lovage::monitor
