// Tables of schedule stores in SQL databases, and how their cells are read.
//
//   lovage_beat_lead    one row: who leads, until when, in which term; the counter of changes
//   lovage_beat_entry   entries
//   lovage_beat_claim   occurrences that were claimed: unique by (entry, due)
//
// Moments are microseconds since 1970, in columns for whole numbers: no server has a zone to apply to them.
#pragma once

#include "sql/session.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>

#include <optional>
#include <string>

namespace lovage::beats {

/// Makes what is not there.
[[nodiscard]] expected<void> make_beat_tables(sql::session& on, deadline until);

/// Text that names columns of names, in the dialect's words: compared octet by octet.
[[nodiscard]] std::string name_column(sql::dialect of);

[[nodiscard]] inline std::int64_t micros_of(time_point t) { return t.time_since_epoch().count(); }
[[nodiscard]] inline time_point at_micros(std::int64_t us) { return time_point{std::chrono::microseconds{us}}; }

/// Zero for what is no number.
[[nodiscard]] std::int64_t cell_number(sql::cell const& c);
/// Empty for null; numbers in digits.
[[nodiscard]] std::string cell_text(sql::cell const& c);
[[nodiscard]] bool cell_is_null(sql::cell const& c);
/// Of microseconds or of a moment; nothing for null.
[[nodiscard]] std::optional<time_point> cell_moment(sql::cell const& c);

}  // namespace lovage::beats
