// Rows under a text that is their key, with an end: what Celery's and Django's tables for results have in common.
//
// Those tables know only when a row was written. Whatever they have no column for stands in a table of ours beside
// them, `lovage_aside`, for the rows that need it: an end that does not follow from that moment, links of a task.
#pragma once

#include "sql/postgres_session.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>
#include <lovage/types.hpp>
#include <lovage/value.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::backend {

/// A name as the database writes it, with its schema when there is one. Error `bad_config` when it holds other signs
/// than letters, digits and `_`.
[[nodiscard]] expected<std::string> quoted_table(sql::dialect d, std::string_view schema, std::string_view name);

/// "INSERT INTO table (columns) VALUES (...)" that leaves a row alone which is there, or replaces it. `first`, when it
/// is not empty, is a column whose value the database makes: {"id", "nextval('s')"}.
struct generated_column {
  std::string name, made_by;
};
[[nodiscard]] std::string insert_new(sql::dialect d, std::string const& table, std::span<std::string const> columns,
                                     std::string const& key, generated_column const& first = {});
[[nodiscard]] std::string insert_or_replace(sql::dialect d, std::string const& table,
                                            std::span<std::string const> columns, std::string const& key);

/// So many keys are asked for at once; fewer are filled up by repeating the last, so that there are few statements.
inline constexpr std::size_t keys_at_once[] = {1, 16, 256};
/// `run(statement, cells)` for every portion of the keys, with `head + "(?, ?, ...)" + tail` as statement.
template <class F>
[[nodiscard]] expected<void> for_keys(std::span<std::string const> keys, std::string const& head,
                                      std::string const& tail, F&& run);

struct row_layout {
  std::string table;   ///< quoted
  std::string key;     ///< column
  std::string date;    ///< column: when it was written
  std::string status;  ///< column; SUCCESS is final. Empty: every row is replaced
  struct column {
    std::string name;
    sql::cell_kind holds = sql::cell_kind::text;
    bool only_new = false;    ///< stays when the row is replaced
    bool only_given = false;  ///< the same when its new value is null
  };
  std::vector<column> columns;  ///< all that are written; the first is the key
  generated_column id = {};
  std::string aside_prefix = {};  ///< of its keys in the table aside
};

struct row_to_store {
  sql::row cells;                                  ///< as the layout's columns
  std::optional<time_point> date;                  ///< what stands in the date's column
  std::optional<std::chrono::seconds> expires_in;  ///< from now; nothing: never
  value::map more = {};                            ///< what has no column
};

struct stored_row {
  sql::row cells;  ///< as the layout's columns
  value::map more;
};

/// *Threads*: any; the sessions are the caller's. Each within a transaction of the caller's.
class sql_rows {
 public:
  /// `expires`: how long a row lives that says nothing of its end; zero: for ever.
  sql_rows(sql::dialect d, row_layout as, std::string aside, std::chrono::seconds expires);

  /// No key twice.
  [[nodiscard]] expected<void> store(sql::session& on, std::vector<row_to_store> rows, time_point now, deadline until);
  /// The same for PostgreSQL's `exchange`, to be sent with what else there is. *Lifetime*: this outlives the session.
  [[nodiscard]] expected<std::vector<sql::postgres_call>> store_calls(std::vector<row_to_store> rows,
                                                                      time_point now) const;
  /// One for each key; nothing for those that are not there or have ended.
  [[nodiscard]] expected<std::vector<std::optional<stored_row>>> fetch(sql::session& on,
                                                                       std::span<std::string const> keys,
                                                                       time_point now, deadline until);
  [[nodiscard]] expected<void> forget(sql::session& on, std::span<std::string const> keys, deadline until);
  /// Removes at most `limit` that have ended; how many.
  [[nodiscard]] expected<std::uint64_t> remove_ended(sql::session& on, std::size_t limit, time_point now,
                                                     deadline until);

  [[nodiscard]] row_layout const& layout() const noexcept { return as_; }
  /// Makes the table aside.
  [[nodiscard]] static std::string aside_ddl(sql::dialect d, std::string const& aside);

 private:
  [[nodiscard]] bool has_ended(sql::cell const& date, sql::cell const& end, time_point now) const;
  [[nodiscard]] std::optional<std::int64_t> end_aside(row_to_store const& r, time_point now) const;
  [[nodiscard]] expected<void> write_aside(sql::session& on, std::vector<row_to_store> const& rows, time_point now,
                                           deadline until);
  [[nodiscard]] expected<void> forget_aside(sql::session& on, std::vector<std::string> keys, deadline until);
  [[nodiscard]] sql::row replacing(sql::row const& cells) const;
  [[nodiscard]] expected<sql::postgres_call> upsert_call(std::span<row_to_store const> rows, time_point now) const;

  row_layout const as_;
  std::string const aside_;
  std::chrono::seconds const expires_;
  std::string const aside_key_;  ///< of the row `t`, as SQL
  std::string insert_, replace_, select_, select_state_, lock_, put_aside_, upsert_;
};

template <class F>
expected<void> for_keys(std::span<std::string const> keys, std::string const& head, std::string const& tail, F&& run) {
  while (!keys.empty()) {
    std::size_t n = keys_at_once[0];
    for (auto const size : keys_at_once)
      if (n < keys.size()) n = size;
    std::string statement = head + "(?";
    for (std::size_t i = 1; i < n; ++i) statement += ", ?";
    statement += ")" + tail;
    auto const some = keys.first(std::min(n, keys.size()));
    sql::row cells(some.begin(), some.end());
    cells.resize(n, some.back());
    if (auto done = run(std::string_view{statement}, cells); !done) return fail(done.error());
    keys = keys.subspan(some.size());
  }
  return {};
}

}  // namespace lovage::backend
