// SQLite, as little of it as the embedded store needs.
#pragma once

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

struct sqlite3;
struct sqlite3_stmt;

namespace lovage::store {

/// Thrown inside the store only; `attempt` turns it into a value at every public door.
struct sql_failure {
  error_info info;
};

/// One prepared statement in use. Resets itself when it goes out of scope.
class statement {
 public:
  explicit statement(sqlite3_stmt* on) noexcept : on_{on} {}
  ~statement();
  statement(statement const&) = delete;
  statement& operator=(statement const&) = delete;

  /// Parameters are numbered from 1 and bound in order; text and blobs are not copied: they outlive the statement's
  /// use.
  statement& bind(std::int64_t v);
  statement& bind_real(double v);
  statement& bind(std::string_view text);
  statement& bind_blob(std::string_view data);
  statement& bind_null();

  /// True while there is a row.
  bool step();
  /// Runs to the end.
  void run() {
    while (step()) {
    }
  }
  /// Ready for the next set of parameters.
  void again();

  /// Columns are numbered from 0; views last until the next step.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::string_view blob(int column) const;
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] sqlite3_stmt* raw() const noexcept { return on_; }

 private:
  void check(int code) const;
  sqlite3_stmt* on_;
  int next_ = 1;
};

/// One connection. *Threads*: one at a time.
class database {
 public:
  struct options {
    bool wal = true;              ///< turn the file's log on; otherwise the file stays as its owner has it
    bool full_sync = false;       ///< survive power loss too: every commit reaches the disk
    int autocheckpoint = 16'384;  ///< pages of the log after which a commit also checkpoints
  };

  /// Opens or creates; errors are thrown as `sql_failure`.
  database(std::string path, options with, deadline until);
  ~database();
  database(database const&) = delete;
  database& operator=(database const&) = delete;

  /// Waiting for another writer ends here. Set by every public door before it works.
  void set_deadline(deadline until) noexcept { until_ = until; }
  void exec(char const* sql);
  /// Prepared once and kept; `sql` is a literal.
  [[nodiscard]] statement prepare(char const* sql);
  [[nodiscard]] std::int64_t changes() const;
  [[nodiscard]] std::int64_t last_id() const;
  [[nodiscard]] std::string const& path() const noexcept { return path_; }
  [[nodiscard]] sqlite3* raw() const noexcept { return db_; }
  void check(int code) const;

 private:
  static int on_busy(void* self, int tries);
  void use_wal();
  std::string path_;
  sqlite3* db_ = nullptr;
  deadline until_ = deadline::never();
  std::unordered_map<char const*, sqlite3_stmt*> prepared_;
};

/// BEGIN IMMEDIATE now, ROLLBACK unless committed.
class transaction {
 public:
  explicit transaction(database& on);
  ~transaction();
  transaction(transaction const&) = delete;
  transaction& operator=(transaction const&) = delete;
  void commit();

 private:
  database& on_;
  bool open_ = true;
};

/// Runs `work` and turns what the store throws into a value.
template <class F>
auto attempt(F&& work) noexcept -> expected<decltype(work())> {
  try {
    if constexpr (std::is_void_v<decltype(work())>) {
      work();
      return {};
    } else {
      return work();
    }
  } catch (sql_failure const& f) {
    return fail(f.info);
  } catch (error const& e) {
    return fail(e.info());
  } catch (std::exception const& e) {
    return fail(errc::internal, e.what());
  }
}

}  // namespace lovage::store
