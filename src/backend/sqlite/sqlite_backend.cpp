#include "backend/sqlite/sqlite_backend.hpp"

#include "backend/sqlite/sqlite_chords.hpp"
#include "store/sqlite_store.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <unordered_set>

namespace lovage::backend {
namespace {

using store::database;
using store::sqlite_store;
using store::statement;
using store::transaction;
using store::wake_page;
using wire::result_record;

// At most so many watched ids are asked for one by one; more are found by reading what is new.
constexpr std::size_t few = 16;
constexpr int cleanup_batch = 2'000;
// A writer that was killed between its commit and its ring: nobody sleeps longer than this on its account.
constexpr auto look_again = std::chrono::seconds{1};

constexpr char const* find_sql =
    "SELECT record, seq FROM result WHERE task_id = ? AND (expires IS NULL OR expires > ?)";

error_info unreadable(std::string const& id, error_info const& why) {
  return {why.code, "the stored result cannot be read: " + why.text(), "task " + id};
}

std::optional<result_record> find(database& db, std::string const& id, std::int64_t now) {
  auto query = db.prepare(find_sql);
  query.bind(std::string_view{id}).bind(now);
  if (!query.step()) return std::nullopt;
  auto record = wire::decode_record(query.blob(0));
  if (!record) throw store::sql_failure{unreadable(id, record.error())};
  record->id = task_id{id};
  return *std::move(record);
}

statement& bind_expiry(statement& to, std::int64_t expires) { return expires > 0 ? to.bind(expires) : to.bind_null(); }

class sqlite_watch final : public watch {
 public:
  explicit sqlite_watch(std::shared_ptr<sqlite_store> on)
      : store_{std::move(on)}, db_{store_->connect(deadline::in(std::chrono::seconds{10}))} {}

  void add(std::span<task_id const> ids) override {
    for (auto const& id : ids)
      if (watched_.insert(id.str()).second) fresh_.push_back(id.str());
    words_.clear();
  }
  void remove(task_id const& id) override {
    watched_.erase(id.str());
    reported_.erase(id.str());
    words_.clear();
  }
  void interrupt() override { interrupter_.interrupt(); }
  expected<std::vector<result_record>> next(deadline until) override;

 private:
  void look();
  void look_at(std::vector<std::string> const& ids);
  void look_at_new();
  void collect(std::string const& id, std::int64_t seq, std::string_view bytes);
  void choose_words();
  [[nodiscard]] std::int64_t last_seq();

  std::shared_ptr<sqlite_store> store_;
  std::unique_ptr<database> db_;
  std::unordered_set<std::string> watched_;
  std::unordered_map<std::string, std::int64_t> reported_;  ///< seq of the record given out last
  std::vector<std::string> fresh_;                          ///< added and not yet looked at
  std::vector<result_record> news_;  ///< found and not yet given out: stays when a look fails half way
  std::vector<std::uint32_t> words_;
  std::int64_t seen_ = 0;  ///< everything up to this seq was looked at
  store::interrupter interrupter_;
};

std::int64_t sqlite_watch::last_seq() {
  auto query = db_->prepare("SELECT max(seq) FROM result");
  return query.step() ? query.integer(0) : 0;
}

void sqlite_watch::choose_words() {
  std::set<std::uint32_t> words;
  for (auto const& id : watched_) {
    words.insert(wake_page::result_word(id));
    if (words.size() == wake_page::words) break;
  }
  words_.assign(words.begin(), words.end());
}

void sqlite_watch::collect(std::string const& id, std::int64_t seq, std::string_view bytes) {
  if (!watched_.contains(id) || std::exchange(reported_[id], seq) == seq) return;
  auto record = wire::decode_record(bytes);
  if (!record || record->ready()) {  // unreadable: told once, by an error
    reported_.erase(id);
    watched_.erase(id);
  }
  if (!record) throw store::sql_failure{unreadable(id, record.error())};
  record->id = task_id{id};
  news_.push_back(*std::move(record));
}

void sqlite_watch::look_at(std::vector<std::string> const& ids) {
  for (auto const& id : ids) {
    auto query = db_->prepare(find_sql);
    query.bind(std::string_view{id}).bind(store_->now_us());
    if (query.step()) collect(id, query.integer(1), query.blob(0));
  }
}

void sqlite_watch::look_at_new() {
  auto query = db_->prepare(
      "SELECT seq, task_id, record FROM result WHERE seq > ? AND (expires IS NULL OR expires > ?) ORDER BY seq");
  query.bind(seen_).bind(store_->now_us());
  while (query.step()) {
    seen_ = query.integer(0);
    collect(std::string{query.text(1)}, seen_, query.blob(2));
  }
}

void sqlite_watch::look() {
  if (!fresh_.empty()) {
    if (seen_ == 0) seen_ = last_seq();  // before looking at them: what is written meanwhile is new
    look_at(fresh_);
    fresh_.clear();
  }
  if (watched_.size() <= few) {
    look_at({watched_.begin(), watched_.end()});
  } else {
    look_at_new();
  }
}

expected<std::vector<result_record>> sqlite_watch::next(deadline until) {
  return store::attempt([&]() -> std::vector<result_record> {
    for (;;) {
      db_->set_deadline(store_->lock_deadline(until));
      if (words_.empty()) choose_words();
      auto const seen = store_->wake().look(words_);
      bool const interrupted = interrupter_.take();
      if (news_.empty()) look();
      if (!news_.empty() || interrupted || watched_.empty() || until.passed()) return std::exchange(news_, {});
      store_->wake().wait(seen, interrupter_, until.sooner(deadline::in(look_again)));
    }
  });
}

class sqlite_backend final : public result_backend {
 public:
  sqlite_backend(std::shared_ptr<sqlite_store> on, deadline until)
      : store_{std::move(on)}, db_{store_->connect(until)} {}

  expected<void> store(std::span<result_record const> records, std::chrono::seconds expires, deadline until) override;
  expected<std::vector<result_record>> fetch(std::span<task_id const> ids, deadline until) override;
  expected<void> forget(std::span<task_id const> ids, deadline until) override;
  expected<std::unique_ptr<watch>> make_watch() override {
    return store::attempt([&]() -> std::unique_ptr<watch> { return std::make_unique<sqlite_watch>(store_); });
  }
  expected<std::uint64_t> cleanup(deadline until) override;

  expected<void> start_chords(std::span<chord_start const> chords, std::chrono::seconds expires,
                              deadline until) override {
    return with_chords(until, [&](sqlite_chords& c) { c.start(chords, end_of(expires)); });
  }
  expected<std::vector<chord_end>> count_parts(std::span<chord_part const> parts, std::span<value const> bodies,
                                               std::chrono::seconds expires, deadline until) override {
    return with_chords(until,
                       [&](sqlite_chords& c) { return c.count(parts, bodies, end_of(expires), store_->now_us()); });
  }
  expected<void> end_chords(std::span<std::string const> groups, deadline until) override {
    return with_chords(until, [&](sqlite_chords& c) { c.end(groups, store_->now_us()); });
  }
  expected<std::vector<chord_end>> claim_chords(std::size_t limit, deadline until) override {
    return with_chords(until, [&](sqlite_chords& c) { return c.claim(limit, store_->now_us()); });
  }
  expected<void> grow_chord(std::string const& group, std::span<task_id const> added, deadline until) override {
    return with_chords(until, [&](sqlite_chords& c) { c.grow(group, added); });
  }
  expected<value> chord_body(std::string const& group, deadline until) override {
    return with_chords(until, [&](sqlite_chords& c) { return c.body(group); });
  }
  expected<void> store_group(wire::result_tuple const& group, std::chrono::seconds expires, deadline until) override {
    return with_chords(until, [&](sqlite_chords& c) { c.store(group, end_of(expires)); });
  }
  expected<std::optional<wire::result_tuple>> fetch_group(std::string const& id, deadline until) override {
    return with_chords(until, [&](sqlite_chords& c) { return c.fetch(id, store_->now_us()); });
  }
  expected<void> forget_group(std::string const& id, deadline until) override {
    return with_chords(until, [&](sqlite_chords& c) { c.forget(id); });
  }
  expected<std::vector<bool>> claim_runs(std::span<run_claim const> claims, std::chrono::seconds keep,
                                         deadline until) override;

 private:
  [[nodiscard]] std::int64_t end_of(std::chrono::seconds expires) const {
    return expires.count() > 0 ? store_->now_us() + std::chrono::microseconds{expires}.count() : 0;
  }
  /// One transaction.
  template <class F>
  auto with_chords(deadline until, F&& work) -> expected<decltype(work(std::declval<sqlite_chords&>()))> {
    std::lock_guard const lock{mutex_};
    return store::attempt([&] {
      db_->set_deadline(store_->lock_deadline(until));
      sqlite_chords chords{*db_};
      transaction t{*db_};
      if constexpr (std::is_void_v<decltype(work(chords))>) {
        work(chords);
        t.commit();
      } else {
        auto out = work(chords);
        t.commit();
        return out;
      }
    });
  }
  void write(result_record const& r, std::string_view bytes, std::int64_t now, std::int64_t expires);
  [[nodiscard]] bool claim(run_claim const& c, std::int64_t now, std::int64_t expires);
  std::shared_ptr<sqlite_store> store_;
  std::mutex mutex_;  // guards db_
  std::unique_ptr<database> db_;
};

void sqlite_backend::write(result_record const& r, std::string_view bytes, std::int64_t now, std::int64_t expires) {
  auto row = db_->prepare(
      "INSERT OR REPLACE INTO result(task_id, status, record, expires) SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS "
      "(SELECT 1 FROM result WHERE task_id = ?1 AND status = 'SUCCESS' AND (expires IS NULL OR expires > ?5))");
  row.bind(std::string_view{r.id.str()}).bind(std::string_view{r.status}).bind_blob(bytes);
  bind_expiry(row, expires).bind(now).run();
}

bool sqlite_backend::claim(run_claim const& c, std::int64_t now, std::int64_t expires) {
  auto row = db_->prepare(
      "INSERT INTO run_claim(task_id, text, expires) VALUES (?1, ?2, ?3) ON CONFLICT(task_id) DO UPDATE "
      "SET text = ?2, expires = ?3 WHERE expires <= ?4");
  row.bind(std::string_view{c.id.str()}).bind(std::string_view{c.text});
  bind_expiry(row, expires).bind(now).run();
  auto mine = db_->prepare("SELECT 1 FROM run_claim WHERE task_id = ? AND text = ?");
  return mine.bind(std::string_view{c.id.str()}).bind(std::string_view{c.text}).step();
}

expected<std::vector<bool>> sqlite_backend::claim_runs(std::span<run_claim const> claims, std::chrono::seconds keep,
                                                       deadline until) {
  std::lock_guard const lock{mutex_};
  return store::attempt([&] {
    db_->set_deadline(store_->lock_deadline(until));
    std::vector<bool> out;
    auto const now = store_->now_us();
    auto const end = end_of(keep);
    transaction t{*db_};
    for (auto const& c : claims) out.push_back(claim(c, now, end));
    t.commit();
    return out;
  });
}

expected<void> sqlite_backend::store(std::span<result_record const> records, std::chrono::seconds expires,
                                     deadline until) {
  std::vector<std::string> bytes;
  for (auto const& r : records) {
    auto encoded = wire::encode_record(r);
    if (!encoded) return fail(encoded.error());
    bytes.push_back(*std::move(encoded));
  }
  std::lock_guard const lock{mutex_};
  return store::attempt([&] {
    db_->set_deadline(store_->lock_deadline(until));
    auto const now = store_->now_us();
    auto const end = end_of(expires);
    transaction t{*db_};
    for (std::size_t i = 0; i < records.size(); ++i) write(records[i], bytes[i], now, end);
    t.commit();
    std::set<std::uint32_t> words;
    for (auto const& r : records) words.insert(wake_page::result_word(r.id.str()));
    for (auto const w : words) store_->wake().ring(w);
  });
}

expected<std::vector<result_record>> sqlite_backend::fetch(std::span<task_id const> ids, deadline until) {
  std::lock_guard const lock{mutex_};
  return store::attempt([&] {
    db_->set_deadline(store_->lock_deadline(until));
    std::vector<result_record> out;
    for (auto const& id : ids) {
      auto r = find(*db_, id.str(), store_->now_us());
      if (!r) r.emplace().id = id;
      out.push_back(*std::move(r));
    }
    return out;
  });
}

expected<void> sqlite_backend::forget(std::span<task_id const> ids, deadline until) {
  std::lock_guard const lock{mutex_};
  return store::attempt([&] {
    db_->set_deadline(store_->lock_deadline(until));
    transaction t{*db_};
    for (auto const& id : ids) {
      auto row = db_->prepare("DELETE FROM result WHERE task_id = ?");
      row.bind(std::string_view{id.str()}).run();
    }
    t.commit();
  });
}

expected<std::uint64_t> sqlite_backend::cleanup(deadline until) {
  std::lock_guard const lock{mutex_};
  return store::attempt([&] {
    db_->set_deadline(store_->lock_deadline(until));
    std::uint64_t removed = 0;
    for (;;) {  // in batches, so that no writer waits long
      auto rows = db_->prepare("DELETE FROM result WHERE seq IN (SELECT seq FROM result WHERE expires <= ? LIMIT ?)");
      rows.bind(store_->now_us()).bind(cleanup_batch).run();
      auto const records = db_->changes();
      auto claims = db_->prepare(
          "DELETE FROM run_claim WHERE task_id IN (SELECT task_id FROM run_claim WHERE expires <= ? LIMIT ?)");
      claims.bind(store_->now_us()).bind(cleanup_batch).run();
      auto const runs = db_->changes();
      removed += static_cast<std::uint64_t>(records + runs) + sqlite_chords{*db_}.cleanup(store_->now_us());
      if (std::max(records, runs) < cleanup_batch || until.passed()) return removed;
    }
  });
}

}  // namespace

expected<std::shared_ptr<result_backend>> make_sqlite_backend(settings with, deadline until) {
  auto on = sqlite_store::open(with.connection.urls, std::move(with.now), until);
  if (!on) return fail(on.error());
  return store::attempt(
      [&]() -> std::shared_ptr<result_backend> { return std::make_shared<sqlite_backend>(*on, until); });
}

}  // namespace lovage::backend
