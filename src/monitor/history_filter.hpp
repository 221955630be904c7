// A filter as SQL.
#pragma once

#include "monitor/history.hpp"
#include "monitor/history_rows.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct sqlite3_stmt;

namespace lovage::monitor {

/// A statement that is made for one search. Throws `sql_failure`.
class one_query {
 public:
  one_query(store::database& on, std::string const& sql);
  bool step() { return use_.step(); }
  void again(std::int64_t parameter) { use_.again(), use_.bind(parameter); }
  [[nodiscard]] std::int64_t integer(int column) const { return use_.integer(column); }
  [[nodiscard]] std::string_view text(int column) const { return use_.text(column); }

 private:
  struct ending {
    void operator()(sqlite3_stmt* made) const noexcept;
  };
  std::unique_ptr<sqlite3_stmt, ending> made_;  // outlives `use_`
  store::statement use_;
};

/// One index that can serve a filter. Its rows come in order of `first`, for each value.
struct index_choice {
  std::string name;                       ///< "by_state"
  std::string condition;                  ///< " AND state IN (4,5)"
  std::string column = {};                ///< "state"; empty: this index is that of `first`
  std::vector<std::int64_t> values = {};  ///< of the column
};

/// What a filter asks, with names as numbers. All text in it is made here: nothing of the filter gets into SQL but
/// numbers, hexadecimal, and quoted search expressions.
struct sql_filter {
  bool nothing = false;                            ///< names what is not there: matches no task
  bool open_states = false, ended_states = false;  ///< among the states asked for; both false: any state
  std::string where;                               ///< conditions on columns of `task`, each begun by " AND "
  std::string rest;                                ///< those of them that `match` does not say already
  std::string match;                  ///< SQL text of a full-text expression; empty: no text is searched for
  bool has_beginnings = false;        ///< `match` asks for beginnings of words
  std::string rows;                   ///< " AND words.rowid >= 5", what is known of the rows beforehand
  std::vector<index_choice> indexes;  ///< the most selective kind first
  std::vector<std::int64_t> names;    ///< when the filter names tasks
  std::string set;                    ///< a condition that few rows fulfil, by its own index: ids, or a workflow

  [[nodiscard]] bool has_text() const noexcept { return !match.empty(); }
};

/// Errors: `invalid_argument`.
[[nodiscard]] expected<sql_filter> sql_of(task_filter const& which, store::database& on, word_book& words);

}  // namespace lovage::monitor
