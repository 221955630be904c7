#include "backend/sql_claims.hpp"

#include "backend/sql_rows.hpp"

#include <algorithm>
#include <unordered_map>

namespace lovage::backend {
namespace {

std::string claim_table(sql::dialect d, std::string const& table) {
  bool const my = d == sql::dialect::mysql;
  std::string const index = "lovage_run_claim_ends";
  auto out = "CREATE TABLE IF NOT EXISTS " + table + " (task_id VARCHAR(255) NOT NULL PRIMARY KEY, sending " +
             (my ? "LONGTEXT" : "TEXT") + " NOT NULL, ends BIGINT" + (my ? ", INDEX " + index + " (ends)" : "") + ")" +
             (my ? " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;" : ";");
  return my ? out : out + "CREATE INDEX IF NOT EXISTS " + index + " ON " + table + " (ends);";
}

}  // namespace

sql_claims::sql_claims(sql::dialect d, std::string const& schema)
    : table_{schema + "lovage_run_claim"},
      lock_{d == sql::dialect::sqlite ? "" : " FOR UPDATE"},
      ddl_{claim_table(d, table_)},
      insert_{insert_new(d, table_, std::vector<std::string>{"task_id", "sending", "ends"}, "task_id")} {}

// Sorted, and of equal ids in the batch's order: two batches wait for each other and not in a circle.
expected<std::vector<bool>> sql_claims::claim(sql::session& on, std::span<run_claim const> claims,
                                              std::optional<time_point> end, time_point now, deadline until) const {
  auto const us = [](time_point t) { return t.time_since_epoch().count(); };
  auto const end_cell = end ? sql::cell{us(*end)} : sql::cell{};
  std::vector<run_claim const*> sorted;
  for (auto const& c : claims) sorted.push_back(&c);
  std::stable_sort(sorted.begin(), sorted.end(), [](auto const* a, auto const* b) { return a->id < b->id; });
  std::vector<sql::row> rows;
  std::vector<std::string> ids;
  for (auto const* c : sorted) {
    rows.push_back({c->id.str(), c->text, end_cell});
    if (ids.empty() || ids.back() != c->id.str()) ids.push_back(c->id.str());
  }
  if (auto done = on.run_each(insert_, rows, until); !done) return fail(done.error());
  std::unordered_map<std::string, std::optional<std::string>> holders;  // nothing: its claim has ended
  auto looked = for_keys(ids, "SELECT task_id, sending, ends FROM " + table_ + " WHERE task_id IN ", lock_,
                         [&](std::string_view text, sql::row const& cells) {
                           auto got = on.run(text, cells, until);
                           if (!got) return got;
                           for (auto const& r : got->rows) {
                             auto const* ends = std::get_if<std::int64_t>(&r[2]);
                             auto& holder = holders[std::get<std::string>(r[0])];
                             if (ends == nullptr || *ends > us(now)) holder = std::get<std::string>(r[1]);
                           }
                           return got;
                         });
  if (!looked) return fail(looked.error());
  std::vector<sql::row> taken;
  std::vector<bool> out;
  for (auto const& c : claims) {
    auto& holder = holders[c.id.str()];
    if (!holder) taken.push_back({*(holder = c.text), end_cell, c.id.str()});
    out.push_back(*holder == c.text);
  }
  auto const done = on.run_each("UPDATE " + table_ + " SET sending = ?, ends = ? WHERE task_id = ?", taken, until);
  if (!done) return fail(done.error());
  return out;
}

expected<std::uint64_t> sql_claims::remove_ended(sql::session& on, std::size_t limit, time_point now,
                                                 deadline until) const {
  auto const found =
      on.run("SELECT task_id FROM " + table_ + " WHERE ends <= ? ORDER BY task_id LIMIT " + std::to_string(limit),
             sql::row{now.time_since_epoch().count()}, until);
  if (!found) return fail(found.error());
  std::vector<std::string> ids;
  for (auto const& r : found->rows) ids.push_back(std::get<std::string>(r[0]));
  auto const done = for_keys(ids, "DELETE FROM " + table_ + " WHERE task_id IN ", "",
                             [&](std::string_view text, sql::row const& cells) { return on.run(text, cells, until); });
  if (!done) return fail(done.error());
  return ids.size();
}

}  // namespace lovage::backend
