#include "store/database.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

namespace lovage::store {
namespace {

using namespace std::chrono_literals;

error_info describe_io(int code, int why, std::string const& said, std::string const& path) {
  bool const writing = code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_SHMSIZE ||
                       code == SQLITE_IOERR_TRUNCATE || code == SQLITE_IOERR_DIR_FSYNC;
  // SQLite forgets why a commit could not write (0): hardly ever anything but room.
  if (writing && (why == 0 || why == ENOSPC || why == EDQUOT || why == EFBIG))
    return {errc::no_space,
            "no room left to write (disk, quota or size limit); nothing was written. Free space and try again", path};
  auto const text = why != 0 ? said + ": " + std::strerror(why) : said;
  return {errc::unavailable, "the disk does not work; nothing was written: " + text, path};
}

bool is_taken(int code) {
  return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID;
}

error_info describe(int code, sqlite3* db, std::string const& path) {
  std::string const said = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {errc::timeout,
              "the store is locked by another process; nothing was written. See who has it open with 'fuser -v', and "
              "end that or try again",
              path};
    case SQLITE_INTERRUPT:
      return {errc::timeout, "this took too long and was given up; ask for less, or wait longer", path};
    case SQLITE_FULL: return {errc::no_space, "the disk is full; nothing was written. Free space and try again", path};
    case SQLITE_IOERR: return describe_io(code, db ? sqlite3_system_errno(db) : 0, said, path);
    case SQLITE_READONLY: return {errc::unavailable, "the file or its directory cannot be written by this user", path};
    case SQLITE_CANTOPEN:
      return {errc::unavailable, "cannot open the file; does its directory exist, and may this user write there?",
              path};
    case SQLITE_NOTADB: return {errc::unavailable, "this is no lovage store (not an SQLite file)", path};
    case SQLITE_CONSTRAINT:
      return {is_taken(code) ? errc::conflict : errc::invalid_argument, "SQLite refuses the row: " + said, path};
    case SQLITE_ERROR: return {errc::bad_config, "SQLite refuses the statement: " + said, path};
    case SQLITE_CORRUPT:
      return {errc::unavailable, "the store is damaged; run 'sqlite3 FILE .recover' on a copy", path};
    default: return {errc::internal, "SQLite: " + said, path};
  }
}

}  // namespace

statement::~statement() {
  sqlite3_reset(on_);
  sqlite3_clear_bindings(on_);
}

void statement::check(int code) const {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  auto* db = sqlite3_db_handle(on_);
  char const* path = sqlite3_db_filename(db, "main");
  throw sql_failure{describe(sqlite3_extended_errcode(db), db, path ? path : "")};
}

statement& statement::bind(std::int64_t v) { return check(sqlite3_bind_int64(on_, next_++, v)), *this; }

statement& statement::bind_real(double v) { return check(sqlite3_bind_double(on_, next_++, v)), *this; }

statement& statement::bind(std::string_view text) {
  check(sqlite3_bind_text64(on_, next_++, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

statement& statement::bind_blob(std::string_view data) {
  char const* from = data.empty() ? "" : data.data();  // a null pointer would bind NULL
  check(sqlite3_bind_blob64(on_, next_++, from, data.size(), SQLITE_STATIC));
  return *this;
}

statement& statement::bind_null() { return check(sqlite3_bind_null(on_, next_++)), *this; }

bool statement::step() {
  auto const code = sqlite3_step(on_);
  check(code);
  return code == SQLITE_ROW;
}

void statement::again() {
  sqlite3_reset(on_);
  next_ = 1;
}

std::int64_t statement::integer(int column) const { return sqlite3_column_int64(on_, column); }

std::string_view statement::text(int column) const {
  auto const* data = reinterpret_cast<char const*>(sqlite3_column_text(on_, column));
  return data ? std::string_view{data, static_cast<std::size_t>(sqlite3_column_bytes(on_, column))}
              : std::string_view{};
}

std::string_view statement::blob(int column) const {
  auto const* data = static_cast<char const*>(sqlite3_column_blob(on_, column));
  return data ? std::string_view{data, static_cast<std::size_t>(sqlite3_column_bytes(on_, column))}
              : std::string_view{};
}

bool statement::is_null(int column) const { return sqlite3_column_type(on_, column) == SQLITE_NULL; }

database::database(std::string path, options with, deadline until) : path_{std::move(path)}, until_{until} {
  auto const code =
      sqlite3_open_v2(path_.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) {
    auto info = describe(code, db_, path_);
    sqlite3_close_v2(db_);
    throw sql_failure{std::move(info)};
  }
  try {
    sqlite3_extended_result_codes(db_, 1);
    sqlite3_busy_handler(db_, &database::on_busy, this);
    if (with.wal) use_wal();
    exec(with.full_sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    exec("PRAGMA cache_size=-8192; PRAGMA secure_delete=FAST; PRAGMA temp_store=MEMORY");
    sqlite3_wal_autocheckpoint(db_, with.autocheckpoint);
  } catch (...) {
    sqlite3_close_v2(db_);
    throw;
  }
}

database::~database() {
  for (auto& [sql, on] : prepared_) sqlite3_finalize(on);
  sqlite3_close_v2(db_);
}

// The busy handler is not asked here: of several processes that make a file at once all but one would fail.
void database::use_wal() {
  for (int tries = 0;; ++tries) {
    auto const code = sqlite3_exec(db_, "PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return;
    if ((code & 0xff) != SQLITE_BUSY || on_busy(this, tries) == 0) check(code);
  }
}

// Writers hold the lock for a fraction of a millisecond as a rule: short sleeps, growing to a millisecond.
int database::on_busy(void* self, int tries) {
  if (static_cast<database*>(self)->until_.passed()) return 0;
  std::this_thread::sleep_for(std::min(1000us, 50us * (1 + tries)));
  return 1;
}

void database::check(int code) const {
  if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
    throw sql_failure{describe(sqlite3_extended_errcode(db_), db_, path_)};
}

void database::exec(char const* sql) { check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr)); }

statement database::prepare(char const* sql) {
  auto& kept = prepared_[sql];
  if (kept == nullptr) check(sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &kept, nullptr));
  return statement{kept};
}

std::int64_t database::changes() const { return sqlite3_changes64(db_); }
std::int64_t database::last_id() const { return sqlite3_last_insert_rowid(db_); }

transaction::transaction(database& on) : on_{on} { on_.prepare("BEGIN IMMEDIATE").run(); }

transaction::~transaction() {
  if (open_) sqlite3_exec(on_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);  // an error here means that SQLite did it
}

void transaction::commit() {
  on_.prepare("COMMIT").run();
  open_ = false;
}

}  // namespace lovage::store
