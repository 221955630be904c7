#include "store/schema.hpp"

namespace lovage::store {
namespace {

constexpr std::int64_t schema_version = 5;

// Ready, delayed and claimed messages are one table with a partial index per state: a state change moves one small
// index entry instead of the row. `result.seq` grows with every write, so that watchers read what is new and nothing
// else.
constexpr char const* schema = R"sql(
CREATE TABLE queue(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE message(
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: it is the delivery's tag
  queue INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  state INTEGER NOT NULL,            -- 0 ready, 1 delayed, 2 claimed
  due INTEGER NOT NULL,              -- microseconds since 1970; 0: at once
  session INTEGER NOT NULL,          -- who claimed it; 0: nobody
  attempts INTEGER NOT NULL,         -- begun and not finished
  redelivered INTEGER NOT NULL,
  head BLOB NOT NULL,                -- MessagePack: content type, headers, properties
  body BLOB NOT NULL) STRICT;
CREATE INDEX message_ready ON message(queue, priority DESC, id) WHERE state = 0;
CREATE INDEX message_delayed ON message(due, queue) WHERE state = 1;
CREATE INDEX message_claimed ON message(session, queue) WHERE state = 2;
CREATE TABLE dead(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queue INTEGER NOT NULL, priority INTEGER NOT NULL, attempts INTEGER NOT NULL,
  head BLOB NOT NULL, body BLOB NOT NULL, reason TEXT NOT NULL, died_at INTEGER NOT NULL) STRICT;
CREATE TABLE session(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL, pid INTEGER NOT NULL, lease_until INTEGER NOT NULL) STRICT;
CREATE TABLE result(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  task_id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  record BLOB NOT NULL,              -- JSON, as Celery's key/value backends keep it
  expires INTEGER) STRICT;
CREATE INDEX result_expires ON result(expires) WHERE expires IS NOT NULL;
PRAGMA application_id = 1819697511;   -- 'lvag'
PRAGMA user_version = 1;
)sql";

// Inboxes: what is broadcast to programs, and replies. A row of `inbox` lives as long as its reader renews it.
constexpr char const* from_1_to_2 = R"sql(
CREATE TABLE inbox(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  exchange TEXT NOT NULL, type TEXT NOT NULL, routing_key TEXT NOT NULL,  -- what it is bound to; '': nothing
  expires INTEGER NOT NULL) STRICT;
CREATE TABLE letter(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  inbox INTEGER NOT NULL,
  head BLOB NOT NULL, body BLOB NOT NULL,
  expires INTEGER NOT NULL) STRICT;
CREATE INDEX letter_inbox ON letter(inbox, id);

CREATE TABLE paused(queue INTEGER PRIMARY KEY) STRICT;
CREATE TABLE revoked(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- workers read what is beyond the last one they know
  stamp TEXT NOT NULL,               -- the header's name; '': text is a task's id
  text TEXT NOT NULL,
  until INTEGER NOT NULL) STRICT;    -- microseconds since 1970
PRAGMA user_version = 2;
)sql";

// Chords: counted by the set of their members' ids. A claim is who sends the body; one that has run out is taken over.
constexpr char const* from_2_to_3 = R"sql(
CREATE TABLE chord(
  group_id TEXT PRIMARY KEY,
  size INTEGER,                      -- NULL: parts came before it was started; -1: it is over
  counted INTEGER NOT NULL DEFAULT 0,
  body BLOB,                         -- JSON, a signature
  claimed_until INTEGER,             -- NULL: parts are missing
  expires INTEGER) STRICT;
CREATE INDEX chord_claimed ON chord(claimed_until) WHERE claimed_until IS NOT NULL;
CREATE TABLE chord_part(
  group_id TEXT NOT NULL, task_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  status TEXT NOT NULL,
  result BLOB NOT NULL,              -- JSON
  PRIMARY KEY(group_id, task_id)) STRICT, WITHOUT ROWID;
CREATE TABLE saved_group(
  group_id TEXT PRIMARY KEY,
  record BLOB NOT NULL,              -- JSON, as Celery's key/value backends keep it
  expires INTEGER) STRICT;
PRAGMA user_version = 3;
)sql";

// What members added to their chords, by id: told twice it counts once. And which of several sendings of a task runs.
constexpr char const* from_3_to_4 = R"sql(
CREATE TABLE chord_growth(
  group_id TEXT NOT NULL, task_id TEXT NOT NULL,
  PRIMARY KEY(group_id, task_id)) STRICT, WITHOUT ROWID;
CREATE TABLE run_claim(
  task_id TEXT PRIMARY KEY,
  text TEXT NOT NULL,                -- of the sending that has the id
  expires INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX run_claim_expires ON run_claim(expires) WHERE expires IS NOT NULL;
PRAGMA user_version = 4;
)sql";

// Periodic tasks. `schedule_lead` has one row: who leads, and how often entries changed.
constexpr char const* from_4_to_5 = R"sql(
CREATE TABLE schedule(
  name TEXT PRIMARY KEY,
  definition TEXT NOT NULL,          -- JSON: schedule, call, options
  origin INTEGER NOT NULL,           -- 0 code, 1 configuration, 2 store
  enabled INTEGER NOT NULL,
  counts_from INTEGER NOT NULL,      -- microseconds since 1970, as all moments: later occurrences are to come
  last_due INTEGER, last_run_at INTEGER,
  total INTEGER NOT NULL DEFAULT 0,
  changed INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX schedule_changed ON schedule(changed);
CREATE TABLE schedule_claim(
  entry TEXT NOT NULL, due INTEGER NOT NULL,
  claimed_at INTEGER NOT NULL,
  sent_at INTEGER,                   -- NULL: not yet, or its claimer died
  PRIMARY KEY(entry, due)) STRICT, WITHOUT ROWID;
CREATE INDEX schedule_unsent ON schedule_claim(claimed_at) WHERE sent_at IS NULL;
CREATE INDEX schedule_sent ON schedule_claim(sent_at) WHERE sent_at IS NOT NULL;
CREATE TABLE schedule_lead(
  holder TEXT NOT NULL,              -- '': nobody
  term INTEGER NOT NULL,             -- grows with every change of holder
  until INTEGER NOT NULL,
  counter INTEGER NOT NULL,          -- grows with every change of entries
  all_from INTEGER NOT NULL) STRICT; -- the counter at the last removal: who knows less reads everything
INSERT INTO schedule_lead VALUES ('', 0, 0, 1, 0);
PRAGMA user_version = 5;
)sql";

constexpr std::int64_t application = 1'819'697'511;

std::int64_t number(database& on, char const* sql) {
  auto query = on.prepare(sql);
  return query.step() ? query.integer(0) : 0;
}

std::int64_t version_of(database& on) { return number(on, "PRAGMA user_version"); }
std::int64_t application_of(database& on) { return number(on, "PRAGMA application_id"); }

// Django's db.sqlite3, say: never mix our tables into it.
void refuse_foreign(database& on) {
  if (application_of(on) == application || number(on, "SELECT count(*) FROM sqlite_schema") == 0) return;
  throw sql_failure{
      {errc::bad_config, "this SQLite file belongs to another program; give lovage a file of its own", on.path()}};
}

}  // namespace

void prepare_schema(database& on) {
  if (application_of(on) == application && version_of(on) == schema_version) return;
  transaction change{on};
  refuse_foreign(on);
  auto const found = version_of(on);
  if (found > schema_version)
    throw sql_failure{{errc::unavailable,
                       "the store has schema " + std::to_string(found) + ", this program knows " +
                           std::to_string(schema_version) + "; use the newer lovage that made it",
                       on.path()}};
  if (found == 0) on.exec(schema);
  if (found < 2) on.exec(from_1_to_2);
  if (found < 3) on.exec(from_2_to_3);
  if (found < 4) on.exec(from_3_to_4);
  if (found < 5) on.exec(from_4_to_5);
  change.commit();
}

}  // namespace lovage::store
