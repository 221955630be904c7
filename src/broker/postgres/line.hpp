// Where the database is, and a session with it that is made again whenever it is lost.
#pragma once

#include "broker/postgres/options.hpp"
#include "broker/transport.hpp"
#include "io/link.hpp"
#include "sql/postgres_session.hpp"

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lovage::broker::postgres_broker {

using sql::postgres_call;
using sql::postgres_rows;

/// What all faces of one transport share. *Threads*: any.
struct shared {
  shared(settings of, options options_of, std::vector<std::string> at)
      : with{std::move(of)}, how{options_of}, addresses{std::move(at)} {}

  settings const with;
  options const how;
  std::vector<std::string> const addresses;
  std::atomic<bool> prepared{false};  ///< the schema is there

  /// For what a server answers at once: one that says nothing for the heartbeat is given up.
  [[nodiscard]] deadline within_heartbeat(deadline until) const {
    auto const heartbeat = with.connection.heartbeat;
    return heartbeat.count() > 0 ? until.sooner(deadline::in(heartbeat)) : until;
  }
};

/// *Threads*: one at a time.
class line {
 public:
  /// `at_connect` is run first in every session.
  line(std::shared_ptr<shared> on, std::string at_connect);

  /// Connected; tries until the deadline, or until `wake` (a descriptor) becomes readable. Error: why not.
  [[nodiscard]] expected<void> ensure(deadline until, int wake = -1);
  [[nodiscard]] bool up() const noexcept { return session_ != nullptr && session_->alive(); }
  /// Sessions made so far: who sees another number than before has lost what a session keeps.
  [[nodiscard]] std::size_t sessions() const noexcept { return made_; }
  /// Only while up.
  [[nodiscard]] sql::postgres_session& session() noexcept { return *session_; }
  [[nodiscard]] int descriptor() const noexcept { return up() ? session_->descriptor() : -1; }

  /// In one round trip, over a session that is up.
  [[nodiscard]] expected<std::vector<postgres_rows>> exchange(std::span<postgres_call const> calls, deadline until);
  [[nodiscard]] expected<postgres_rows> exchange_one(postgres_call const& call, deadline until);
  void drop() { session_.reset(); }

 private:
  [[nodiscard]] expected<std::unique_ptr<sql::postgres_session>> connect(deadline until);
  void note_lost();

  std::shared_ptr<shared> const on_;
  std::string const at_connect_;
  io::link link_;
  error_info why_{errc::timeout, "no time to connect to PostgreSQL", {}};
  std::unique_ptr<sql::postgres_session> session_;
  std::size_t made_ = 0;
};

/// Wakes who sleeps for these queues. NOTIFY makes commits wait for each other, so it is said only where somebody
/// sleeps: sleepers hold the queue's lock shared, from before their last look. A transaction of its own, after that by
/// which the messages can be seen.
inline constexpr std::string_view wake_sleepers =
    "SELECT pg_notify('lovage_' || queue, '') FROM unnest($1) AS queue "
    "WHERE NOT pg_try_advisory_xact_lock(2776603, queue::int)";

/// Channels of LISTEN and NOTIFY.
inline constexpr char const* common_channel = "lovage";
[[nodiscard]] inline std::string queue_channel(std::int64_t queue) { return "lovage_" + std::to_string(queue); }
[[nodiscard]] inline std::string inbox_channel(std::int64_t inbox) { return "lovage_inbox_" + std::to_string(inbox); }

}  // namespace lovage::broker::postgres_broker
