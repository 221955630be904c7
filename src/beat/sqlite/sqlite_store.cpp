#include "beat/sqlite/sqlite_store.hpp"

#include "beat/row.hpp"
#include "store/sqlite_store.hpp"

namespace lovage::beats {
namespace {

using store::database;
using store::statement;
using store::transaction;
using store::wake_page;

constexpr std::int64_t cleanup_at_once = 1000;

std::int64_t us_of(time_point t) { return t.time_since_epoch().count(); }
time_point moment(std::int64_t us) { return time_point{std::chrono::microseconds{us}}; }
std::optional<time_point> moment_in(statement const& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional{moment(row.integer(column))};
}

entry_row row_in(statement const& row, int first) {
  return {std::string{row.text(first)}, static_cast<origin>(row.integer(first + 1)), row.integer(first + 2) != 0,
          moment(row.integer(first + 3))};
}

// The embedded store's own; no queue can be named so.
std::uint32_t schedule_word() { return wake_page::queue_word(std::string_view{"\0schedule", 9}); }

class sqlite_schedules final : public schedule_store {
 public:
  sqlite_schedules(std::shared_ptr<store::sqlite_store> on, now_fn now, deadline until)
      : on_{std::move(on)}, now_{std::move(now)}, db_{on_->connect(until)} {}

  [[nodiscard]] traits abilities() const override { return {.many_machines = false, .tells = true}; }
  expected<changes> read(std::uint64_t since, deadline until) override;
  expected<void> put(std::span<entry const> entries, put_mode mode, deadline until) override;
  expected<bool> remove(std::string_view name, deadline until) override;
  expected<bool> enable(std::string_view name, bool on, deadline until) override;
  expected<void> sync(std::span<entry const> own, deadline until) override;
  expected<leadership> lead(std::string_view who, std::chrono::milliseconds lease, deadline until) override;
  expected<void> resign(std::string_view who, deadline until) override;
  expected<std::vector<bool>> claim(std::uint64_t term, std::span<decision const> all, deadline until) override;
  expected<void> note_sent(std::span<sent_note const> all, deadline until) override;
  expected<std::vector<occurrence>> take_over(std::uint64_t term, std::size_t limit, deadline until) override;
  expected<std::uint64_t> cleanup(deadline until) override;
  void wait(deadline until) override;
  void interrupt() override { interrupter_.interrupt(); }

 private:
  /// One transaction; sleepers are woken when it changed what they wait for.
  template <class F>
  auto write(deadline until, F&& work) -> expected<decltype(work())> {
    std::lock_guard const lock{mutex_};
    return store::attempt([&] {
      db_->set_deadline(on_->lock_deadline(until));
      rings_ = false;
      transaction t{*db_};
      if constexpr (std::is_void_v<decltype(work())>) {
        work();
        t.commit();
        ring();
      } else {
        auto out = work();
        t.commit();
        ring();
        return out;
      }
    });
  }
  void ring() {
    if (rings_) on_->wake().ring(schedule_word());
  }
  /// The caller has a transaction: the counter's next value.
  std::int64_t next_change();
  std::optional<entry_row> find(std::string_view name);
  void write_row(std::string_view name, entry_row const& row, std::int64_t change);
  void erase(std::string_view name, std::int64_t change);
  void check_term(std::uint64_t term);
  bool decide(decision const& d, std::int64_t now);
  void note(sent_note const& n);

  std::shared_ptr<store::sqlite_store> const on_;
  now_fn const now_;
  std::mutex mutex_;  // guards what follows
  std::unique_ptr<database> db_;
  bool rings_ = false;
  store::interrupter interrupter_;
  std::mutex seen_mutex_;
  std::optional<wake_page::seen> seen_;
};

std::int64_t sqlite_schedules::next_change() {
  rings_ = true;
  db_->prepare("UPDATE schedule_lead SET counter = counter + 1").run();
  auto row = db_->prepare("SELECT counter FROM schedule_lead");
  (void)row.step();
  return row.integer(0);
}

std::optional<entry_row> sqlite_schedules::find(std::string_view name) {
  auto row = db_->prepare("SELECT definition, origin, enabled, counts_from FROM schedule WHERE name = ?");
  if (!row.bind(name).step()) return std::nullopt;
  return row_in(row, 0);
}

void sqlite_schedules::write_row(std::string_view name, entry_row const& row, std::int64_t change) {
  auto put = db_->prepare(
      "INSERT INTO schedule(name, definition, origin, enabled, counts_from, changed) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
      "ON CONFLICT(name) DO UPDATE SET definition = ?2, origin = ?3, enabled = ?4, counts_from = ?5, changed = ?6");
  put.bind(name).bind(std::string_view{row.definition}).bind(static_cast<std::int64_t>(row.from));
  put.bind(std::int64_t{row.enabled}).bind(us_of(row.counts_from)).bind(change).run();
}

void sqlite_schedules::erase(std::string_view name, std::int64_t change) {
  db_->prepare("DELETE FROM schedule WHERE name = ?").bind(name).run();
  db_->prepare("DELETE FROM schedule_claim WHERE entry = ?").bind(name).run();
  db_->prepare("UPDATE schedule_lead SET all_from = ?").bind(change).run();
}

void sqlite_schedules::check_term(std::uint64_t term) {
  auto row = db_->prepare("SELECT term, holder FROM schedule_lead");
  if (row.step() && row.integer(0) == static_cast<std::int64_t>(term) && !row.text(1).empty()) return;
  throw store::sql_failure{{errc::conflict, "another scheduler leads: " + std::string{row.text(1)}, {}}};
}

expected<changes> sqlite_schedules::read(std::uint64_t since, deadline until) {
  std::lock_guard const lock{mutex_};
  return store::attempt([&] {
    db_->set_deadline(on_->lock_deadline(until));
    changes out;
    db_->exec("BEGIN");  // counter and rows of one moment
    struct ending {
      database& on;
      ~ending() {
        (void)store::attempt([this] { on.exec("COMMIT"); });
      }
    } const end{*db_};
    {
      auto row = db_->prepare("SELECT counter, all_from FROM schedule_lead");
      (void)row.step();
      out.counter = static_cast<std::uint64_t>(row.integer(0));
      out.all = since == 0 || since < static_cast<std::uint64_t>(row.integer(1));
    }
    auto rows = db_->prepare(
        "SELECT name, definition, origin, enabled, counts_from, last_due, last_run_at, total FROM schedule "
        "WHERE changed > ?");
    rows.bind(out.all ? std::int64_t{-1} : static_cast<std::int64_t>(since));
    while (rows.step()) {
      auto e = entry_of_row(std::string{rows.text(0)}, row_in(rows, 1));
      if (!e) continue;
      e->last_due = moment_in(rows, 5);
      e->last_run_at = moment_in(rows, 6);
      e->total_run_count = rows.integer(7);
      out.put.push_back(*std::move(e));
    }
    return out;
  });
}

expected<void> sqlite_schedules::put(std::span<entry const> entries, put_mode mode, deadline until) {
  return write(until, [&] {
    auto const now = now_();
    auto const change = next_change();
    for (auto const& e : entries) {
      auto const before = find(e.name);
      if (auto ok = check_put(mode, e.name, before.has_value()); !ok) throw store::sql_failure{ok.error()};
      write_row(e.name, row_after_put(e, before ? &*before : nullptr, now), change);
    }
  });
}

expected<bool> sqlite_schedules::remove(std::string_view name, deadline until) {
  return write(until, [&] {
    if (!find(name)) return false;
    erase(name, next_change());
    return true;
  });
}

expected<bool> sqlite_schedules::enable(std::string_view name, bool on, deadline until) {
  return write(until, [&] {
    auto row = find(name);
    if (!row || row->enabled == on) return row.has_value();
    row->enabled = on;
    if (on) row->counts_from = now_();
    write_row(name, *row, next_change());
    return true;
  });
}

expected<void> sqlite_schedules::sync(std::span<entry const> own, deadline until) {
  return write(until, [&] {
    entry_rows before;
    {
      auto rows = db_->prepare("SELECT name, definition, origin, enabled, counts_from FROM schedule");
      while (rows.step()) before.emplace(rows.text(0), row_in(rows, 1));
    }
    auto const plan = plan_sync(own, before, now_());
    if (plan.put.empty() && plan.remove.empty()) return;
    auto const change = next_change();
    for (auto const& [name, row] : plan.put) write_row(name, row, change);
    for (auto const& name : plan.remove) erase(name, change);
  });
}

expected<leadership> sqlite_schedules::lead(std::string_view who, std::chrono::milliseconds lease, deadline until) {
  return write(until, [&] {
    auto const now = us_of(now_());
    auto const end = now + std::chrono::microseconds{lease}.count();
    auto take = db_->prepare(
        "UPDATE schedule_lead SET term = term + (holder <> ?1), holder = ?1, until = ?2 "
        "WHERE holder IN ('', ?1) OR until <= ?3 OR until > ?2");
    take.bind(who).bind(end).bind(now).run();
    bool const mine = db_->changes() > 0;
    auto row = db_->prepare("SELECT term, holder FROM schedule_lead");
    (void)row.step();
    return leadership{mine, static_cast<std::uint64_t>(row.integer(0)), std::string{row.text(1)}};
  });
}

expected<void> sqlite_schedules::resign(std::string_view who, deadline until) {
  return write(until, [&] {
    db_->prepare("UPDATE schedule_lead SET holder = '' WHERE holder = ?").bind(who).run();
    rings_ = db_->changes() > 0;
  });
}

bool sqlite_schedules::decide(decision const& d, std::int64_t now) {
  auto past = db_->prepare("UPDATE schedule SET counts_from = max(counts_from, ?) WHERE name = ?");
  past.bind(us_of(d.due)).bind(d.entry).run();
  if (db_->changes() == 0 || !d.send) return false;
  auto claim = db_->prepare("INSERT OR IGNORE INTO schedule_claim(entry, due, claimed_at) VALUES (?, ?, ?)");
  claim.bind(d.entry).bind(us_of(d.due)).bind(now).run();
  return db_->changes() > 0;
}

expected<std::vector<bool>> sqlite_schedules::claim(std::uint64_t term, std::span<decision const> all, deadline until) {
  return write(until, [&] {
    check_term(term);
    auto const now = us_of(now_());
    std::vector<bool> out;
    for (auto const& d : all) out.push_back(decide(d, now));
    return out;
  });
}

void sqlite_schedules::note(sent_note const& n) {
  auto claim = db_->prepare("UPDATE schedule_claim SET sent_at = ? WHERE entry = ? AND due = ? AND sent_at IS NULL");
  claim.bind(us_of(n.at)).bind(n.entry).bind(us_of(n.due)).run();
  if (db_->changes() == 0 || !n.counts) return;
  auto row = db_->prepare("UPDATE schedule SET last_due = ?, last_run_at = ?, total = total + 1 WHERE name = ?");
  row.bind(us_of(n.due)).bind(us_of(n.at)).bind(n.entry).run();
  if (!n.last) return;
  auto end = db_->prepare("UPDATE schedule SET enabled = 0, changed = ? WHERE name = ?");
  end.bind(next_change()).bind(n.entry).run();
}

expected<void> sqlite_schedules::note_sent(std::span<sent_note const> all, deadline until) {
  return write(until, [&] {
    for (auto const& n : all) note(n);
  });
}

expected<std::vector<occurrence>> sqlite_schedules::take_over(std::uint64_t term, std::size_t limit, deadline until) {
  return write(until, [&] {
    check_term(term);
    auto const now = us_of(now_());
    std::vector<occurrence> out;
    {
      auto rows = db_->prepare(
          "SELECT entry, due FROM schedule_claim WHERE sent_at IS NULL AND claimed_at <= ? ORDER BY claimed_at LIMIT "
          "?");
      rows.bind(now - std::chrono::microseconds{claim_life}.count()).bind(static_cast<std::int64_t>(limit));
      while (rows.step()) out.push_back({std::string{rows.text(0)}, moment(rows.integer(1))});
    }
    for (auto const& o : out) {
      auto again = db_->prepare("UPDATE schedule_claim SET claimed_at = ? WHERE entry = ? AND due = ?");
      again.bind(now).bind(std::string_view{o.entry}).bind(us_of(o.due)).run();
    }
    return out;
  });
}

expected<std::uint64_t> sqlite_schedules::cleanup(deadline until) {
  std::uint64_t removed = 0;
  for (;;) {  // in batches, so that no writer waits long
    auto const some = write(until, [&] {
      auto rows = db_->prepare(
          "DELETE FROM schedule_claim WHERE (entry, due) IN "
          "(SELECT entry, due FROM schedule_claim WHERE sent_at < ? LIMIT ?)");
      rows.bind(us_of(now_() - claim_kept)).bind(cleanup_at_once).run();
      return db_->changes();
    });
    if (!some) return fail(some.error());
    removed += static_cast<std::uint64_t>(*some);
    if (*some < cleanup_at_once || until.passed()) return removed;
  }
}

void sqlite_schedules::wait(deadline until) {
  std::lock_guard const one{seen_mutex_};
  auto const word = schedule_word();
  if (seen_) on_->wake().wait({&*seen_, 1}, interrupter_, until);
  (void)interrupter_.take();
  seen_ = on_->wake().look({&word, 1}).front();
}

}  // namespace

expected<std::shared_ptr<schedule_store>> make_sqlite_store(store_settings with, deadline until) {
  auto on = store::sqlite_store::open(with.connection.urls, with.now, until);
  if (!on) return fail(on.error());
  return store::attempt([&]() -> std::shared_ptr<schedule_store> {
    return std::make_shared<sqlite_schedules>(*on, std::move(with.now), until);
  });
}

}  // namespace lovage::beats
