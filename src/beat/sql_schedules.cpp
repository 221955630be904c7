#include "beat/sql_schedules.hpp"

#include <array>

namespace lovage::beats {
namespace {

using sql::cell;
using sql::session;

// Every writer's first statement: a lock in all three dialects.
expected<void> lock_lead(session& on, deadline until) {
  return done(on.run("UPDATE lovage_beat_lead SET id = id WHERE id = 1", {}, until));
}

entry_row stored_row(sql::row const& r) {
  return {cell_text(r[1]), static_cast<origin>(cell_number(r[2])), cell_number(r[3]) != 0,
          at_micros(cell_number(r[4]))};
}

}  // namespace

expected<std::optional<sql::row>> one_row(session& on, std::string_view text, std::span<cell const> values,
                                          deadline until) {
  auto got = on.run(text, values, until);
  if (!got) return fail(got.error());
  if (got->rows.empty()) return std::optional<sql::row>{};
  return std::optional{std::move(got->rows.front())};
}

expected<void> done(expected<sql::result> of) {
  if (!of) return fail(of.error());
  return {};
}

sql_schedules::sql_schedules(std::shared_ptr<sql::session_pool> on, now_fn now)
    : on_{std::move(on)}, now_{std::move(now)} {}

expected<void> sql_schedules::prepare(deadline until) {
  return pool().run(until, [&](session& on) { return make_beat_tables(on, until); });
}

traits sql_schedules::abilities() const {
  bool const server = on_->kind() != sql::dialect::sqlite;
  return {.many_machines = server, .clock_of_server = server};
}

expected<std::int64_t> sql_schedules::server_now(session& on, deadline until) const {
  if (on.kind() == sql::dialect::sqlite) return micros_of(now());
  auto const text = on.kind() == sql::dialect::postgres
                        ? std::string_view{"SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"}
                        : std::string_view{"SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)"};
  auto const row = one_row(on, text, {}, until);
  if (!row) return fail(row.error());
  return cell_number((**row)[0]);
}

expected<void> sql_schedules::check_term(session& on, std::uint64_t term, deadline until) {
  if (auto locked = lock_lead(on, until); !locked) return locked;
  auto const row = one_row(on, "SELECT term, holder FROM lovage_beat_lead WHERE id = 1", {}, until);
  if (!row) return fail(row.error());
  auto const holder = *row ? cell_text((**row)[1]) : "";
  if (!holder.empty() && cell_number((**row)[0]) == static_cast<std::int64_t>(term)) return {};
  return fail(errc::closed, "another scheduler leads: " + holder);
}

expected<std::int64_t> sql_schedules::next_change(session& on, deadline until) {
  auto const more = on.run("UPDATE lovage_beat_lead SET counter = counter + 1 WHERE id = 1", {}, until);
  if (!more) return fail(more.error());
  auto const row = one_row(on, "SELECT counter FROM lovage_beat_lead WHERE id = 1", {}, until);
  if (!row) return fail(row.error());
  return cell_number((**row)[0]);
}

expected<entry_rows> sql_schedules::rows_before(session& on, deadline until) {
  auto const rows = on.run("SELECT name, definition, origin, enabled, counts_from FROM lovage_beat_entry", {}, until);
  if (!rows) return fail(rows.error());
  entry_rows out;
  for (auto const& r : rows->rows) out.emplace(cell_text(r[0]), stored_row(r));
  return out;
}

expected<void> sql_schedules::write_row(session& on, std::string const& name, entry_row const& row, std::int64_t change,
                                        deadline until) {
  std::array<cell, 6> const values{row.definition,
                                   static_cast<std::int64_t>(row.from),
                                   std::int64_t{row.enabled},
                                   micros_of(row.counts_from),
                                   change,
                                   name};
  auto const changed = on.run(
      "UPDATE lovage_beat_entry SET definition = ?, origin = ?, enabled = ?, counts_from = ?, changed = ? WHERE name = "
      "?",
      values, until);
  if (!changed) return fail(changed.error());
  if (changed->changed != 0) return {};
  return done(
      on.run("INSERT INTO lovage_beat_entry(definition, origin, enabled, counts_from, changed, name, total) "
             "VALUES (?, ?, ?, ?, ?, ?, 0)",
             values, until));
}

expected<void> sql_schedules::erase(session& on, std::string const& name, std::int64_t change, deadline until) {
  std::array<cell, 1> const by_name{name}, from{change};
  for (std::string_view text : {std::string_view{"DELETE FROM lovage_beat_entry WHERE name = ?"},
                                std::string_view{"DELETE FROM lovage_beat_claim WHERE entry = ? AND sent_at IS NULL"}})
    if (auto gone = on.run(text, by_name, until); !gone) return fail(gone.error());
  return done(on.run("UPDATE lovage_beat_lead SET all_from = ? WHERE id = 1", from, until));
}

expected<changes> sql_schedules::read(std::uint64_t since, deadline until) {
  return pool().run_in_transaction(until, [&](session& on) -> expected<changes> {
    // The counter before the rows: what comes between is told again the next time.
    auto const state = one_row(on, "SELECT counter, all_from FROM lovage_beat_lead WHERE id = 1", {}, until);
    if (!state) return fail(state.error());
    if (!*state) return fail(errc::bad_config, "the table lovage_beat_lead has lost its row");
    changes out;
    out.counter = static_cast<std::uint64_t>(cell_number((**state)[0]));
    out.all = since == 0 || since < static_cast<std::uint64_t>(cell_number((**state)[1]));
    std::array<cell, 1> const from{out.all ? std::int64_t{-1} : static_cast<std::int64_t>(since)};
    auto rows = on.run(
        "SELECT name, definition, origin, enabled, counts_from, last_due, last_run_at, total "
        "FROM lovage_beat_entry WHERE changed > ?",
        from, until);
    if (!rows) return fail(rows.error());
    for (auto const& r : rows->rows) {
      auto e = entry_of_row(cell_text(r[0]), stored_row(r));
      if (!e) continue;
      e->last_due = cell_moment(r[5]);
      e->last_run_at = cell_moment(r[6]);
      e->total_run_count = cell_number(r[7]);
      out.put.push_back(*std::move(e));
    }
    return out;
  });
}

expected<void> sql_schedules::put(std::span<entry const> entries, put_mode mode, deadline until) {
  // A conflict would be taken for a transaction to be run again: it leaves the transaction as a value.
  auto const put = [&](session& on) -> expected<std::optional<error_info>> {
    if (auto locked = lock_lead(on, until); !locked) return fail(locked.error());
    auto const before = rows_before(on, until);
    if (!before) return fail(before.error());
    for (auto const& e : entries)
      if (auto may = check_put(mode, e.name, before->contains(e.name)); !may) return std::optional{may.error()};
    auto const change = next_change(on, until);
    if (!change) return fail(change.error());
    for (auto const& e : entries) {
      auto const there = before->find(e.name);
      auto const row = row_after_put(e, there == before->end() ? nullptr : &there->second, now());
      if (auto written = write_row(on, e.name, row, *change, until); !written) return fail(written.error());
    }
    return std::optional<error_info>{};
  };
  auto const refused = pool().run_in_transaction(until, put);
  if (!refused) return fail(refused.error());
  if (*refused) return fail(**refused);
  return {};
}

expected<bool> sql_schedules::remove(std::string_view name, deadline until) {
  return pool().run_in_transaction(until, [&](session& on) -> expected<bool> {
    if (auto locked = lock_lead(on, until); !locked) return fail(locked.error());
    auto const before = rows_before(on, until);
    if (!before) return fail(before.error());
    if (!before->contains(name)) return false;
    auto const change = next_change(on, until);
    if (!change) return fail(change.error());
    if (auto gone = erase(on, std::string{name}, *change, until); !gone) return fail(gone.error());
    return true;
  });
}

expected<bool> sql_schedules::enable(std::string_view name, bool on_off, deadline until) {
  return pool().run_in_transaction(until, [&](session& on) -> expected<bool> {
    if (auto locked = lock_lead(on, until); !locked) return fail(locked.error());
    auto const before = rows_before(on, until);
    if (!before) return fail(before.error());
    auto const there = before->find(name);
    if (there == before->end() || there->second.enabled == on_off) return there != before->end();
    auto row = there->second;
    row.enabled = on_off;
    if (on_off) row.counts_from = now();
    auto const change = next_change(on, until);
    if (!change) return fail(change.error());
    if (auto written = write_row(on, there->first, row, *change, until); !written) return fail(written.error());
    return true;
  });
}

expected<void> sql_schedules::sync(std::span<entry const> own, deadline until) {
  return pool().run_in_transaction(until, [&](session& on) -> expected<void> {
    if (auto locked = lock_lead(on, until); !locked) return locked;
    auto const before = rows_before(on, until);
    if (!before) return fail(before.error());
    auto const plan = plan_sync(own, *before, now());
    if (plan.put.empty() && plan.remove.empty()) return {};
    auto const change = next_change(on, until);
    if (!change) return fail(change.error());
    for (auto const& [name, row] : plan.put)
      if (auto written = write_row(on, name, row, *change, until); !written) return written;
    for (auto const& name : plan.remove)
      if (auto gone = erase(on, name, *change, until); !gone) return gone;
    return {};
  });
}

expected<leadership> sql_schedules::lead(std::string_view who, std::chrono::milliseconds lease, deadline until) {
  return pool().run_in_transaction(until, [&](session& on) -> expected<leadership> {
    if (auto locked = lock_lead(on, until); !locked) return fail(locked.error());
    auto const row = one_row(on, "SELECT term, holder, until_us FROM lovage_beat_lead WHERE id = 1", {}, until);
    if (!row) return fail(row.error());
    auto const at = server_now(on, until);
    if (!at) return fail(at.error());
    auto const end = *at + std::chrono::microseconds{lease}.count(), held_until = cell_number((**row)[2]);
    leadership out{false, static_cast<std::uint64_t>(cell_number((**row)[0])), cell_text((**row)[1])};
    if (!out.holder.empty() && out.holder != who && held_until > *at && held_until <= end) return out;
    if (out.holder != who) ++out.term;
    out.mine = true, out.holder = who;
    std::array<cell, 3> const values{static_cast<std::int64_t>(out.term), out.holder, end};
    auto taken =
        done(on.run("UPDATE lovage_beat_lead SET term = ?, holder = ?, until_us = ? WHERE id = 1", values, until));
    if (!taken) return fail(taken.error());
    return out;
  });
}

expected<void> sql_schedules::resign(std::string_view who, deadline until) {
  return pool().run(until, [&](session& on) {
    std::array<cell, 1> const values{std::string{who}};
    return done(on.run("UPDATE lovage_beat_lead SET holder = '' WHERE holder = ?", values, until));
  });
}

static constexpr std::string_view entry_past =
    "UPDATE lovage_beat_entry SET counts_from = CASE WHEN counts_from < ? THEN ? ELSE counts_from END WHERE name = ?";

static std::string_view claim_statement(sql::dialect of) {
  return of == sql::dialect::mysql
             ? "INSERT IGNORE INTO lovage_beat_claim(entry, due, claimed_at) VALUES (?, ?, ?)"
             : "INSERT INTO lovage_beat_claim(entry, due, claimed_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
}

expected<bool> sql_schedules::claim_one(session& on, decision const& d, std::int64_t at, deadline until) {
  std::array<cell, 3> const past{micros_of(d.due), micros_of(d.due), std::string{d.entry}};
  std::uint64_t known = 0;
  for (auto const text : {entry_past, past_statement()}) {
    if (text.empty()) continue;
    auto const moved = on.run(text, past, until);
    if (!moved) return fail(moved.error());
    known += moved->changed;
  }
  if (known == 0 || !d.send) return false;
  std::array<cell, 3> const values{std::string{d.entry}, micros_of(d.due), at};
  auto const made = on.run(claim_statement(on.kind()), values, until);
  if (!made) return fail(made.error());
  return made->changed != 0;
}

// All of them in a few round trips; false when one of them is not to be had, and nothing is known of the others.
expected<bool> sql_schedules::claim_all(session& on, std::span<decision const> all, std::int64_t at, deadline until) {
  std::vector<sql::row> past, claims;
  for (auto const& d : all) {
    past.push_back({micros_of(d.due), micros_of(d.due), std::string{d.entry}});
    if (d.send) claims.push_back({std::string{d.entry}, micros_of(d.due), at});
  }
  std::uint64_t known = 0;
  for (auto const text : {entry_past, past_statement()}) {
    if (text.empty()) continue;
    auto const moved = on.run_each(text, past, until);
    if (!moved) return fail(moved.error());
    known += *moved;
  }
  if (known != past.size()) return false;
  if (claims.empty()) return true;
  auto const made = on.run_each(claim_statement(on.kind()), claims, until);
  if (!made) return fail(made.error());
  return *made == claims.size();
}

expected<std::vector<bool>> sql_schedules::claim(std::uint64_t term, std::span<decision const> all, deadline until) {
  bool together = true;
  auto const decide = [&](session& on) -> expected<std::vector<bool>> {
    if (auto mine = check_term(on, term, until); !mine) return fail(mine.error());
    auto const at = server_now(on, until);
    if (!at) return fail(at.error());
    std::vector<bool> out;
    if (std::exchange(together, false)) {
      auto const had = claim_all(on, all, *at, until);
      if (!had) return fail(had.error());
      if (!*had) return fail(errc::conflict, "one by one");  // rolled back, and run again
      for (auto const& d : all) out.push_back(d.send);
      return out;
    }
    for (auto const& d : all) {
      auto const mine = claim_one(on, d, *at, until);
      if (!mine) return fail(mine.error());
      out.push_back(*mine);
    }
    return out;
  };
  auto out = pool().run_in_transaction(until, decide);
  if (!out && out.error().code == errc::closed) return fail(errc::conflict, out.error().detail);
  return out;
}

expected<void> sql_schedules::note(session& on, sent_note const& n, deadline until) {
  std::string const name{n.entry};
  std::array<cell, 3> const claim{micros_of(n.at), name, micros_of(n.due)};
  auto const settled =
      on.run("UPDATE lovage_beat_claim SET sent_at = ? WHERE entry = ? AND due = ? AND sent_at IS NULL", claim, until);
  if (!settled) return fail(settled.error());
  if (settled->changed == 0 || !n.counts) return {};
  std::array<cell, 3> const run{micros_of(n.due), micros_of(n.at), name};
  auto const counted = on.run(
      "UPDATE lovage_beat_entry SET last_due = ?, last_run_at = ?, total = total + 1 WHERE name = ?", run, until);
  if (!counted) return fail(counted.error());
  if (auto more = note_more(on, n, until); !more) return more;
  if (!n.last || counted->changed == 0) return {};
  auto const change = next_change(on, until);
  if (!change) return fail(change.error());
  std::array<cell, 2> const end{*change, name};
  return done(on.run("UPDATE lovage_beat_entry SET enabled = 0, changed = ? WHERE name = ?", end, until));
}

expected<void> sql_schedules::note_sent(std::span<sent_note const> all, deadline until) {
  return pool().run_in_transaction(until, [&](session& on) -> expected<void> {
    if (auto locked = lock_lead(on, until); !locked) return locked;
    for (auto const& n : all)
      if (auto noted = note(on, n, until); !noted) return noted;
    return {};
  });
}

expected<std::vector<occurrence>> sql_schedules::take_over(std::uint64_t term, std::size_t limit, deadline until) {
  auto const take = [&](session& on) -> expected<std::vector<occurrence>> {
    if (auto mine = check_term(on, term, until); !mine) return fail(mine.error());
    auto const at = server_now(on, until);
    if (!at) return fail(at.error());
    std::array<cell, 2> const old{*at - std::chrono::microseconds{claim_life}.count(),
                                  static_cast<std::int64_t>(limit)};
    auto const rows = on.run(
        "SELECT entry, due FROM lovage_beat_claim WHERE sent_at IS NULL AND claimed_at <= ? "
        "ORDER BY claimed_at LIMIT ?",
        old, until);
    if (!rows) return fail(rows.error());
    std::vector<occurrence> out;
    std::vector<sql::row> again;
    for (auto const& r : rows->rows) {
      out.push_back({cell_text(r[0]), at_micros(cell_number(r[1]))});
      again.push_back({*at, out.back().entry, cell_number(r[1])});
    }
    if (again.empty()) return out;
    auto const claimed =
        on.run_each("UPDATE lovage_beat_claim SET claimed_at = ? WHERE entry = ? AND due = ?", again, until);
    if (!claimed) return fail(claimed.error());
    return out;
  };
  auto out = pool().run_in_transaction(until, take);
  if (!out && out.error().code == errc::closed) return fail(errc::conflict, out.error().detail);
  return out;
}

expected<std::uint64_t> sql_schedules::cleanup(deadline until) {
  return pool().run(until, [&](session& on) -> expected<std::uint64_t> {
    auto const at = server_now(on, until);
    if (!at) return fail(at.error());
    std::array<cell, 1> const old{*at - std::chrono::microseconds{claim_kept}.count()};
    auto const gone = on.run("DELETE FROM lovage_beat_claim WHERE sent_at < ?", old, until);
    if (!gone) return fail(gone.error());
    return gone->changed;
  });
}

}  // namespace lovage::beats
