// A consumer's place among the others: its row in `session`, the lock by which the server vouches for it, and the care
// for those whose lock is free.
#pragma once

#include "broker/ledger.hpp"
#include "broker/postgres/line.hpp"

#include <chrono>
#include <map>

namespace lovage::broker::postgres_broker {

/// Where a claimed row is found.
struct row_key {
  std::int64_t queue = 0, rank = 0, id = 0;
};
struct held {
  row_key key;
  std::chrono::steady_clock::time_point started{};
};
using holdings = ledger<held>;

/// The server drops a session's lock when its connection ends, whatever ended it. A session whose lock is free for a
/// second is dead, and its messages are given back; so is one, connection and all, whose keeper did not count for a
/// lease. Nobody is found dead before everybody had the time to come back: half a lease after the server's start, or
/// after an outage of our own. *Threads*: one at a time.
class membership {
 public:
  using clock = std::chrono::steady_clock;

  membership(std::shared_ptr<shared> on, std::string name) : on_{std::move(on)}, name_{std::move(name)} {}

  [[nodiscard]] std::int64_t id() const noexcept { return id_; }
  /// Whether the session over which we joined is still the line's.
  [[nodiscard]] bool joined(line const& over) const noexcept { return joined_ == over.sessions(); }
  /// Takes the lock and writes the row. The lock that a lost connection left behind is broken.
  [[nodiscard]] expected<void> join(line& over, deadline until);
  /// Our sign of life, the marks of what has begun, and a look at the others.
  [[nodiscard]] expected<void> tick(line& over, holdings const& held, deadline until);
  [[nodiscard]] expected<void> write_marks(line& over, holdings const& held, deadline until);
  /// *Requires*: nothing is claimed any more.
  [[nodiscard]] expected<void> leave(line& over, deadline until);

 private:
  struct watched {
    std::int64_t beat = -1;
    clock::time_point since{}, free_since{};
  };
  [[nodiscard]] bool trusts_locks() const;
  [[nodiscard]] expected<void> beat(line& over, deadline until);
  [[nodiscard]] expected<void> look_at_others(line& over, deadline until);
  [[nodiscard]] expected<void> give_back(line& over, std::int64_t id, std::string const& name, deadline until);

  std::shared_ptr<shared> const on_;
  std::string const name_;
  std::int64_t id_ = 0;
  std::size_t joined_ = 0;
  clock::time_point trusted_from_{}, beaten_{};
  std::vector<std::uint64_t> marks_;
  std::map<std::int64_t, watched> others_;
};

}  // namespace lovage::broker::postgres_broker
