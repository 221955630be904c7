// Many rows of results as one statement of PostgreSQL's: they are looked at, written and noted aside where they lie.
#pragma once

#include "backend/sql_rows.hpp"

namespace lovage::backend {

/// What it takes, `$1` first: an array for each column of the layout; ends (int8[], null: none of its own) and what has
/// no column (text[]) of the same rows; where the layout has a status now (microseconds since 1970) and, unless
/// `expires` is zero, the moment up to which rows that say nothing of their end have ended (timestamptz). No key twice;
/// in the order of the keys, for two who store the same ones.
[[nodiscard]] std::string upsert_statement(row_layout const& as, std::string const& aside,
                                           std::chrono::seconds expires);

/// What numbers the rows of a table (quoted) that has a column `id` with a sequence of its own; without one nothing.
[[nodiscard]] expected<generated_column> own_numbering(sql::session& on, std::string const& table, deadline until);

}  // namespace lovage::backend
