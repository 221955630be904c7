// A schedule store in an SQL database: the whole of src/beat/sql, and the half of src/beat/django that is ours.
#pragma once

#include "beat/row.hpp"
#include "beat/schedule_store.hpp"
#include "beat/sql_tables.hpp"
#include "sql/session_pool.hpp"

#include <string_view>

namespace lovage::beats {

/// Who leads is decided by the server's clock; SQLite has none, and takes `now`. What decides or changes something
/// locks the one row of `lovage_beat_lead` first: claims come one after the other.
class sql_schedules : public schedule_store {
 public:
  sql_schedules(std::shared_ptr<sql::session_pool> on, now_fn now);
  /// Makes the tables.
  [[nodiscard]] virtual expected<void> prepare(deadline until);

  [[nodiscard]] traits abilities() const override;
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

 protected:
  [[nodiscard]] sql::session_pool& pool() const noexcept { return *on_; }
  [[nodiscard]] time_point now() const { return now_(); }

  /// A statement for the rows of its own that hold a name's `counts_from`: its values are that, the name, that. Empty:
  /// it has none.
  [[nodiscard]] virtual std::string_view past_statement() const { return {}; }
  /// What an occurrence that was sent changes in rows of its own.
  [[nodiscard]] virtual expected<void> note_more(sql::session&, sent_note const&, deadline) { return {}; }

 private:
  [[nodiscard]] expected<std::int64_t> server_now(sql::session& on, deadline until) const;
  [[nodiscard]] expected<void> check_term(sql::session& on, std::uint64_t term, deadline until);
  [[nodiscard]] expected<std::int64_t> next_change(sql::session& on, deadline until);
  [[nodiscard]] expected<entry_rows> rows_before(sql::session& on, deadline until);
  [[nodiscard]] expected<void> write_row(sql::session& on, std::string const& name, entry_row const& row,
                                         std::int64_t change, deadline until);
  [[nodiscard]] expected<void> erase(sql::session& on, std::string const& name, std::int64_t change, deadline until);
  [[nodiscard]] expected<bool> claim_all(sql::session& on, std::span<decision const> all, std::int64_t now,
                                         deadline until);
  [[nodiscard]] expected<bool> claim_one(sql::session& on, decision const& d, std::int64_t now, deadline until);
  [[nodiscard]] expected<void> note(sql::session& on, sent_note const& n, deadline until);

  std::shared_ptr<sql::session_pool> const on_;
  now_fn const now_;
};

/// One row by its key, or nothing.
[[nodiscard]] expected<std::optional<sql::row>> one_row(sql::session& on, std::string_view text,
                                                        std::span<sql::cell const> values, deadline until);
/// A statement whose rows nobody wants.
[[nodiscard]] expected<void> done(expected<sql::result> of);

}  // namespace lovage::beats
