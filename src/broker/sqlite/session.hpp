// A consumer's session in the store: its row, its file, and the reaping of sessions whose process is gone.
#pragma once

#include "broker/sqlite/parts.hpp"
#include "store/session_file.hpp"

#include <condition_variable>
#include <thread>

namespace lovage::broker::sqlite {

/// From construction to `end` the kernel vouches for this process (see store/session_file.hpp). A thread of its own
/// renews the lease and moves SQLite's log into the file, so that neither waits for the consumer.
class session {
 public:
  /// Throws `sql_failure`.
  session(std::shared_ptr<sqlite_store> on, std::string const& name, deadline until);
  ~session();
  session(session const&) = delete;
  session& operator=(session const&) = delete;

  [[nodiscard]] std::int64_t id() const noexcept { return id_; }
  [[nodiscard]] store::session_file& file() noexcept { return *file_; }
  /// Gives back what is claimed, uncounted, and removes row and file. May come twice. *Requires*: no `claim` runs.
  void end(database& db);

 private:
  void keep();
  void stop();
  void renew(database& db) const;
  void move_log();

  std::shared_ptr<sqlite_store> store_;
  std::string const name_;
  std::int64_t id_ = 0;
  std::unique_ptr<store::session_file> file_;
  std::unique_ptr<database> keeper_db_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  std::int64_t moved_ = 0;  ///< when the log was written last, as of the last move
  std::thread keeper_;
};

/// Gives back the messages of dead sessions; those that had begun to run count an attempt. Number of sessions found
/// dead.
std::size_t reap(sqlite_store& store, database& db, std::int64_t own_id);

}  // namespace lovage::broker::sqlite
