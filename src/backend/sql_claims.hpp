// Which sending of a task runs, in a table of ours: `lovage_run_claim`.
#pragma once

#include "backend/run_claim.hpp"
#include "sql/session.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lovage::backend {

/// As `result_backend::claim_runs`, within a transaction of the caller's. *Threads*: any; the sessions are the
/// caller's.
class sql_claims {
 public:
  /// `schema`: with its dot and quoted; empty: none.
  sql_claims(sql::dialect d, std::string const& schema);
  [[nodiscard]] std::string const& ddl() const noexcept { return ddl_; }
  /// Gives no row, or an error when the table is missing.
  [[nodiscard]] std::string probe() const { return "SELECT task_id FROM " + table_ + " WHERE 1 = 0"; }

  /// `end`: when they are forgotten; nothing: never.
  [[nodiscard]] expected<std::vector<bool>> claim(sql::session& on, std::span<run_claim const> claims,
                                                  std::optional<time_point> end, time_point now, deadline until) const;
  /// Removes at most `limit` that have ended; how many.
  [[nodiscard]] expected<std::uint64_t> remove_ended(sql::session& on, std::size_t limit, time_point now,
                                                     deadline until) const;

 private:
  std::string const table_, lock_;
  std::string ddl_, insert_;
};

}  // namespace lovage::backend
