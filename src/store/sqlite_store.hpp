// One SQLite file as broker and result backend: what both drivers share.
//
//   store.db, -wal, -shm        SQLite's own
//   store.db.run/wake           the page of counters that wakes sleepers
//   store.db.run/session-<id>   a living consumer's lock and board
//
// Tables and states: docs/protocol/embedded-store.md.
#pragma once

#include "core/clock.hpp"
#include "store/database.hpp"
#include "store/wake_page.hpp"

#include <lovage/expected.hpp>

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>

namespace lovage::store {

/// *Threads*: any.
class sqlite_store {
 public:
  struct settings {
    std::string path;
    bool full_sync = false;
    /// Only where the kernel's locks cannot tell the living from the dead.
    std::chrono::milliseconds lease{15'000};
    /// Longest wait for another writer, however far the caller's deadline is; zero: the deadline alone counts.
    std::chrono::milliseconds busy_timeout{0};
    friend bool operator==(settings const&, settings const&) = default;
  };

  /// The store of `sqlite:///path?synchronous=full&lease=15&busy_timeout=5`; the same object for the same file within
  /// this process. Errors: `bad_config` (URL), `unavailable` (cannot open, newer schema), `timeout` (locked).
  [[nodiscard]] static expected<std::shared_ptr<sqlite_store>> open(std::string const& url, now_fn now, deadline until);

  sqlite_store(settings with, now_fn now, deadline until);

  /// A connection of one's own. Throws `sql_failure`.
  [[nodiscard]] std::unique_ptr<database> connect(deadline until) const;
  [[nodiscard]] wake_page& wake() noexcept { return *wake_; }
  [[nodiscard]] settings const& options() const noexcept { return settings_; }
  /// For `database::set_deadline`.
  [[nodiscard]] deadline lock_deadline(deadline until) const noexcept {
    return settings_.busy_timeout.count() > 0 ? until.sooner(deadline::in(settings_.busy_timeout)) : until;
  }
  /// For the files beside the store: who may write the store may write them, and nobody else may read them.
  [[nodiscard]] ::mode_t run_mode() const noexcept { return run_mode_; }
  [[nodiscard]] std::string session_path(std::int64_t session) const;
  /// Microseconds since the epoch.
  [[nodiscard]] std::int64_t now_us() const { return now_().time_since_epoch().count(); }

 private:
  settings const settings_;
  std::string const run_directory_;
  now_fn const now_;
  ::mode_t run_mode_ = 0600;
  std::unique_ptr<wake_page> wake_;
};

}  // namespace lovage::store
