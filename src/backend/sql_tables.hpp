// What a driver on a database adds to what all of them share (sql_backend.hpp): its tables.
#pragma once

#include "backend/chord.hpp"
#include "backend/sql_rows.hpp"
#include "wire/result_record.hpp"
#include "wire/result_tuple.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace lovage::backend {

/// *Threads*: any, after `prepare`; the sessions are the caller's.
class sql_tables {
 public:
  virtual ~sql_tables() = default;
  /// Makes the tables, or says what to do. Called outside transactions until it succeeds.
  [[nodiscard]] virtual expected<void> prepare(sql::session& on, deadline until) = 0;

  [[nodiscard]] virtual sql_rows& tasks() = 0;
  [[nodiscard]] virtual sql_rows& groups() = 0;
  /// *On failure*: `encode` for what has no form, or no room, in the table.
  [[nodiscard]] virtual expected<row_to_store> to_row(wire::result_record const& r, time_point now) const = 0;
  [[nodiscard]] virtual expected<wire::result_record> to_record(task_id const& id, stored_row const& from) const = 0;
  [[nodiscard]] virtual expected<row_to_store> to_row(wire::result_tuple const& group, time_point now) const = 0;
  [[nodiscard]] virtual expected<wire::result_tuple> to_group(stored_row const& from) const = 0;

  /// Before parts are counted, within the same transaction: of chords that Python began, and counts in a table of its
  /// own, those that are complete with `parts`, as they are then to be started and counted here.
  struct takeover {
    std::vector<chord_start> chords;
    std::vector<chord_part> parts;  ///< of all members
  };
  using part_known = std::function<expected<bool>(chord_part const& p)>;  ///< whether it was counted here before
  [[nodiscard]] virtual expected<takeover> take_over(sql::session& on, std::span<chord_part const> parts,
                                                     part_known const& known, time_point now, deadline until) {
    (void)on, (void)parts, (void)known, (void)now, (void)until;
    return takeover{};
  }
};

/// Text for a column: no zero bytes, no broken UTF-8; PostgreSQL would refuse the whole row.
[[nodiscard]] sql::cell clean_text(std::optional<std::string> const& text);
/// The same, cut to so many characters.
[[nodiscard]] sql::cell clean_text(std::optional<std::string> const& text, std::size_t most);
/// *On failure*: `encode`: an id is never cut.
[[nodiscard]] expected<void> check_key(std::string_view id, std::size_t most, char const* column);
/// Takes a text out of `extended`; nothing when there is none.
[[nodiscard]] std::optional<std::string> take_text(value::map& extended, std::string_view key);
[[nodiscard]] std::optional<value> take(value::map& extended, std::string_view key);

/// What no column keeps of a record, for `row_to_store::more`, and back. `extended` is what is left of it.
[[nodiscard]] value::map more_of(wire::result_record const& r, value::map extended, bool with_children);
void apply_more(wire::result_record& to, value::map const& more);

/// When a record was written, by its own word or now.
[[nodiscard]] time_point date_of_record(wire::result_record const& r, time_point now);

}  // namespace lovage::backend
