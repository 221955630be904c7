#include "monitor/history_schema.hpp"

#include <string>

namespace lovage::monitor {
namespace {

constexpr std::int64_t application = 0x4C6F7648;  // "LovH"
constexpr std::int64_t version = 2;

// Narrow rows for whatever is filtered and ordered by; each index holds all of these, so that a search that walks it
// need not look at the rows. What is only shown is in `body`. Names are numbers of `word`, zero for none; ids that are
// UUIDs are 16 octets. `first` and `took` (how long the run took, -1: unknown) are made unique by a part of `seq`, so
// that pages go on where the last one ended (history_rows.hpp).
constexpr char const* tables = R"(
CREATE TABLE word(id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, text TEXT NOT NULL, UNIQUE(kind, text));
CREATE TABLE failure(id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL UNIQUE, task TEXT NOT NULL, type TEXT NOT NULL,
  text TEXT NOT NULL);
CREATE TABLE task(seq INTEGER PRIMARY KEY, first INTEGER NOT NULL, state INTEGER NOT NULL, name INTEGER NOT NULL,
  worker INTEGER NOT NULL, queue INTEGER NOT NULL, error INTEGER NOT NULL, took INTEGER NOT NULL, id BLOB NOT NULL,
  root BLOB, parent BLOB, grp BLOB);
CREATE UNIQUE INDEX by_id ON task(id);
CREATE INDEX by_first ON task(first, state, name, worker, queue, error, took);
CREATE INDEX by_state ON task(state, first, name, worker, queue, error, took);
CREATE INDEX by_name ON task(name, first, state, worker, queue, error, took);
CREATE INDEX by_worker ON task(worker, first, state, name, queue, error, took);
CREATE INDEX by_queue ON task(queue, first, state, name, worker, error, took) WHERE queue > 0;
CREATE INDEX by_error ON task(error, first, state, name, worker, queue, took) WHERE error > 0;
CREATE INDEX by_took ON task(took, state, name, worker, queue, error, first) WHERE took >= 0;
CREATE INDEX by_root ON task(root, first) WHERE root IS NOT NULL;
CREATE INDEX by_parent ON task(parent, first) WHERE parent IS NOT NULL;
CREATE INDEX by_group ON task(grp, first) WHERE grp IS NOT NULL;
CREATE TABLE body(seq INTEGER PRIMARY KEY, args TEXT, kwargs TEXT, result TEXT, exception TEXT, traceback TEXT,
  sent INTEGER, received INTEGER, started INTEGER, succeeded INTEGER, failed INTEGER, retried INTEGER, revoked INTEGER,
  rejected INTEGER, eta INTEGER, expires INTEGER, updated INTEGER, runtime REAL, retries INTEGER, clock INTEGER,
  exchange TEXT, routing_key TEXT, client TEXT, signum TEXT, steps TEXT, chord TEXT, stamps TEXT);
CREATE VIRTUAL TABLE words USING fts5(name, args, kwargs, result, exception, traceback, tags, content='', columnsize=0,
  tokenize='unicode61');
CREATE TABLE minute(begin INTEGER PRIMARY KEY, sent INTEGER, received INTEGER, started INTEGER, succeeded INTEGER,
  failed INTEGER, retried INTEGER, revoked INTEGER, rejected INTEGER, run BLOB, wait BLOB, queue BLOB, backlog TEXT);
CREATE TABLE audit(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, user TEXT NOT NULL, action TEXT NOT NULL,
  target TEXT NOT NULL, outcome TEXT NOT NULL);
PRAGMA application_id = 1282373192;
)";
// From version 1.
constexpr char const* with_groups = R"(
ALTER TABLE task ADD COLUMN grp BLOB;
CREATE INDEX by_group ON task(grp, first) WHERE grp IS NOT NULL;
ALTER TABLE body ADD COLUMN chord TEXT;
ALTER TABLE body ADD COLUMN stamps TEXT;
)";
constexpr char const* since_version_2 = R"(
CREATE TABLE seen_worker(name TEXT PRIMARY KEY, heard INTEGER NOT NULL, since INTEGER, heartbeat INTEGER, pid INTEGER,
  interval REAL NOT NULL, processed INTEGER NOT NULL, software TEXT NOT NULL, version TEXT NOT NULL, system TEXT NOT NULL);
PRAGMA user_version = 2;
)";
static_assert(application == 1'282'373'192);

std::int64_t pragma(store::database& on, char const* sql) {
  auto ask = on.prepare(sql);
  return ask.step() ? ask.integer(0) : 0;
}

bool is_empty(store::database& on) { return pragma(on, "SELECT count(*) FROM sqlite_master") == 0; }

[[noreturn]] void refuse(store::database& on, errc code, char const* why) {
  throw store::sql_failure{{code, why, on.path()}};
}

}  // namespace

void tune_history(store::database& on, int cache) {
  on.exec(
      ("PRAGMA cache_size=-" + std::to_string(cache) + "; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=OFF").c_str());
}

void prepare_history(store::database& on) {
  if (pragma(on, "PRAGMA application_id") != application) {
    if (!is_empty(on))
      refuse(on, errc::unavailable, "this file is no history of a dashboard; name another in web_history_path");
    on.exec("PRAGMA auto_vacuum=INCREMENTAL; VACUUM");
    store::transaction all{on};
    if (is_empty(on)) on.exec(tables);
    all.commit();
  }
  if (pragma(on, "PRAGMA user_version") > version)
    refuse(on, errc::bad_config,
           "this history was made by a newer lovage; use that, or name another file in web_history_path");
  if (pragma(on, "PRAGMA user_version") == version) return;
  store::transaction all{on};  // another program may do the same
  auto const from = pragma(on, "PRAGMA user_version");
  if (from == 1) on.exec(with_groups);
  if (from < 2) on.exec(since_version_2);
  all.commit();
}

}  // namespace lovage::monitor
