#include "broker/sqlite/session.hpp"

#include "core/log.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lovage::broker::sqlite {
namespace {

using namespace std::chrono_literals;
using life = store::session_file::life;

constexpr auto keeper_interval = 250ms;
constexpr std::int64_t log_worth_moving = 4 << 20;  // bytes
constexpr std::int64_t log_too_long = 64 << 20;     // bytes; then writers wait until it is emptied

// In the order of their ids, as they were: they are the oldest.
void give_back(database& db, std::int64_t session) {
  auto back = db.prepare("UPDATE message SET state = 0, session = 0, redelivered = 1 WHERE state = 2 AND session = ?");
  back.bind(session).run();
  auto row = db.prepare("DELETE FROM session WHERE id = ?");
  row.bind(session).run();
}

struct other_session {
  std::int64_t id, lease_until, pid;
  std::string name;
};

std::vector<other_session> others(database& db, std::int64_t own_id) {
  std::vector<other_session> out;
  auto query = db.prepare("SELECT id, lease_until, pid, name FROM session WHERE id <> ?");
  query.bind(own_id);
  while (query.step())
    out.push_back({query.integer(0), query.integer(1), query.integer(2), std::string{query.text(3)}});
  return out;
}

bool is_dead(sqlite_store& store, other_session const& s) {
  switch (store::session_file::look(store.session_path(s.id))) {
    case life::alive: return false;
    case life::dead: return true;
    case life::unknown: return s.lease_until < store.now_us();
  }
  return false;
}

void bury_session(sqlite_store& store, database& db, other_session const& s) {
  auto const path = store.session_path(s.id);
  transaction t{db};
  for (auto const tag : store::session_file::board(path)) {
    auto count = db.prepare("UPDATE message SET attempts = attempts + 1 WHERE id = ? AND state = 2 AND session = ?");
    count.bind(static_cast<std::int64_t>(tag)).bind(s.id).run();
  }
  give_back(db, s.id);
  t.commit();
  ::unlink(path.c_str());
  log::warning("worker " + s.name + " (pid " + std::to_string(s.pid) + ") is gone; its tasks are given back");
}

// Claims of sessions that have no row: theirs was taken for dead where locks cannot tell, claimed on, and then died.
// One jump over the index per session that holds something.
std::vector<other_session> strays(database& db, std::int64_t own_id) {
  std::vector<other_session> out;
  for (std::int64_t last = 0;;) {
    auto query = db.prepare("SELECT session FROM message WHERE state = 2 AND session > ? ORDER BY session LIMIT 1");
    if (!query.bind(last).step()) return out;
    last = query.integer(0);
    auto row = db.prepare("SELECT 1 FROM session WHERE id = ?");
    if (last != own_id && !row.bind(last).step()) out.push_back({last, 0, 0, "of session " + std::to_string(last)});
  }
}

}  // namespace

session::session(std::shared_ptr<sqlite_store> on, std::string const& name, deadline until)
    : store_{std::move(on)}, name_{name}, keeper_db_{store_->connect(until)} {
  {
    transaction t{*keeper_db_};  // whoever sees the row finds the file locked
    auto row = keeper_db_->prepare("INSERT INTO session(name, pid, lease_until) VALUES (?, ?, ?)");
    auto const lease = store_->now_us() + std::chrono::microseconds{store_->options().lease}.count();
    row.bind(std::string_view{name}).bind(::getpid()).bind(lease).run();
    id_ = keeper_db_->last_id();
    file_ = std::make_unique<store::session_file>(store_->session_path(id_), store_->run_mode());
    t.commit();
  }
  keeper_ = std::thread{[this] { keep(); }};
}

session::~session() { stop(); }

void session::stop() {
  {
    std::lock_guard const lock{mutex_};
    ending_ = true;
  }
  changed_.notify_all();
  if (keeper_.joinable()) keeper_.join();
}

void session::end(database& db) {
  stop();
  {
    transaction t{db};
    give_back(db, id_);
    t.commit();
  }
  file_->remove();
  store_->wake().ring_queues();
}

// Anew when somebody took this session for dead.
void session::renew(database& db) const {
  auto row = db.prepare("INSERT OR REPLACE INTO session(id, name, pid, lease_until) VALUES (?, ?, ?, ?)");
  row.bind(id_).bind(std::string_view{name_}).bind(::getpid());
  row.bind(store_->now_us() + std::chrono::microseconds{store_->options().lease}.count()).run();
}

// SQLite's log goes into the file here, in the background. What is written meanwhile stays in the log; when that never
// ends and the log grows too long, writers wait while its last piece is moved, and it begins anew.
void session::move_log() {
  struct ::stat log {};
  auto const path = store_->options().path + "-wal";
  if (::stat(path.c_str(), &log) != 0 || log.st_size < log_worth_moving) return;
  auto const written = log.st_mtim.tv_sec * std::int64_t{1'000'000'000} + log.st_mtim.tv_nsec;
  if (written == std::exchange(moved_, written)) return;
  sqlite3_wal_checkpoint_v2(keeper_db_->raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (log.st_size < log_too_long) return;
  keeper_db_->set_deadline(deadline::in(2s));  // anew: the pass before may have taken longer than any
  sqlite3_wal_checkpoint_v2(keeper_db_->raw(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

void session::keep() {
  auto renewed = std::chrono::steady_clock::now();
  auto const renewal = store_->options().lease / 3;
  auto const interval = std::min<std::chrono::milliseconds>(keeper_interval, renewal);
  std::unique_lock lock{mutex_};
  while (!changed_.wait_for(lock, interval, [this] { return ending_; })) {
    lock.unlock();
    auto const done = store::attempt([&] {
      keeper_db_->set_deadline(deadline::in(1s));
      if (std::chrono::steady_clock::now() - renewed >= renewal) {
        renew(*keeper_db_);
        renewed = std::chrono::steady_clock::now();
      }
      move_log();
    });
    if (!done) log::warning("the store's keeper: " + done.error().text());
    lock.lock();
  }
}

std::size_t reap(sqlite_store& store, database& db, std::int64_t own_id) {
  auto dead = others(db, own_id);
  std::erase_if(dead, [&](auto const& s) { return !is_dead(store, s); });
  for (auto const& s : strays(db, own_id))
    if (is_dead(store, s)) dead.push_back(s);
  for (auto const& s : dead) bury_session(store, db, s);
  if (!dead.empty()) store.wake().ring_queues();
  return dead.size();
}

}  // namespace lovage::broker::sqlite
