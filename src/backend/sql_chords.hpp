// Chords in tables of ours beside those for results: `lovage_chord...`.
#pragma once

#include "backend/chord.hpp"
#include "sql/session.hpp"
#include "wire/result_tuple.hpp"

#include <span>
#include <string>
#include <vector>

namespace lovage::backend {

/// As the functions of `result_backend`; each within a transaction of the caller's. `end`: when what is kept goes;
/// nothing: never. *Threads*: any; the sessions are the caller's.
class sql_chords {
 public:
  using end_time = std::optional<time_point>;

  /// `schema`: with its dot and quoted; empty: none.
  sql_chords(sql::dialect d, std::string const& schema);
  /// The statements that make the tables.
  [[nodiscard]] std::string const& ddl() const noexcept { return ddl_; }
  /// Gives no row, or an error when a table is missing.
  [[nodiscard]] std::string probe() const { return "SELECT group_id FROM " + chord_ + " WHERE 1 = 0"; }

  [[nodiscard]] expected<void> start(sql::session& on, std::span<chord_start const> chords, end_time end,
                                     deadline until) const;
  [[nodiscard]] expected<std::vector<chord_end>> count(sql::session& on, std::span<chord_part const> parts,
                                                       std::span<value const> bodies, end_time end, time_point now,
                                                       deadline until) const;
  /// Whether it was counted before.
  [[nodiscard]] expected<bool> knows(sql::session& on, chord_part const& part, deadline until) const;
  [[nodiscard]] expected<void> end(sql::session& on, std::span<std::string const> groups, time_point now,
                                   deadline until) const;
  [[nodiscard]] expected<std::vector<chord_end>> claim(sql::session& on, std::size_t limit, time_point now,
                                                       deadline until) const;
  [[nodiscard]] expected<void> grow(sql::session& on, std::string const& group, std::span<task_id const> added,
                                    deadline until) const;
  [[nodiscard]] expected<value> body(sql::session& on, std::string const& group, deadline until) const;
  /// Removes at most `limit` chords that have ended; how many.
  [[nodiscard]] expected<std::uint64_t> remove_ended(sql::session& on, std::size_t limit, time_point now,
                                                     deadline until) const;

 private:
  struct standing {
    bool is_over = false;
    bool is_complete = false;
  };
  [[nodiscard]] expected<standing> add(sql::session& on, std::string const& group, std::vector<sql::row> const& parts,
                                       end_time end, time_point now, deadline until) const;
  /// False when parts are missing or somebody else has the claim.
  [[nodiscard]] expected<bool> take_claim(sql::session& on, std::string const& group, value const& body, time_point now,
                                          deadline until) const;
  [[nodiscard]] expected<chord_end> read(sql::session& on, std::string const& group, deadline until) const;
  [[nodiscard]] expected<void> forget(sql::session& on, std::string const& group, deadline until) const;

  std::string const chord_, part_, growth_;
  std::string ddl_, insert_chord_, insert_part_, insert_growth_, lock_;
};

}  // namespace lovage::backend
