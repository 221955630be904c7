#include "backend/postgres_upsert.hpp"

#include "wire/result_record.hpp"

namespace lovage::backend {
namespace {

// The rows as they were given: "given (task_id, ..., lovage_ends, lovage_more)".
std::string given_rows(row_layout const& as, std::string const& names) {
  std::string out = "given AS MATERIALIZED (SELECT * FROM unnest($1";
  for (std::size_t i = 2; i <= as.columns.size() + 2; ++i) out += ", $" + std::to_string(i);
  return out + ") AS g (" + names + ", lovage_ends, lovage_more))";
}

std::string assignments(row_layout const& as) {
  std::string out;
  for (auto const& c : as.columns) {
    if (c.name == as.key || c.only_new) continue;
    auto const fresh = "excluded." + c.name;
    out += (out.empty() ? "" : ", ") + c.name + " = ";
    out += c.only_given ? "coalesce(" + fresh + ", t." + c.name + ")" : fresh;
  }
  return out;
}

// A success stays, unless it has ended.
std::string may_be_replaced(row_layout const& as, std::string const& aside, std::string const& aside_key,
                            std::chrono::seconds expires) {
  if (as.status.empty()) return {};
  auto const now = as.columns.size() + 3;
  auto const follows = expires.count() > 0 ? "t." + as.date + " <= $" + std::to_string(now + 1) + ", " : "";
  return " WHERE t." + as.status + " IS DISTINCT FROM '" + std::string{wire::state::success} +
         "' OR coalesce((SELECT x.ends <= $" + std::to_string(now) + " FROM " + aside +
         " x WHERE x.row_key = " + aside_key + "), " + follows + "false)";
}

// A row that is there already takes no new number.
std::string numbers(row_layout const& as) {
  if (as.id.name.empty()) return {};
  return "coalesce((SELECT o." + as.id.name + " FROM " + as.table + " o WHERE o." + as.key + " = g." + as.key + "), " +
         as.id.made_by + "), ";
}

}  // namespace

std::string upsert_statement(row_layout const& as, std::string const& aside, std::chrono::seconds expires) {
  std::string names;
  for (auto const& c : as.columns) names += (names.empty() ? "" : ", ") + c.name;
  auto const prefix = "'" + as.aside_prefix + "' || ";
  auto const id = as.id.name.empty() ? std::string{} : as.id.name + ", ";
  // Both sides are brought together by grouping: the planner takes every array for ten elements, and would join what
  // is hundreds by looking at each pair.
  return "WITH " + given_rows(as, names) + ", stored AS (INSERT INTO " + as.table + " AS t (" + id + names +
         ") SELECT " + numbers(as) + names + " FROM given g ON CONFLICT (" + as.key + ") DO UPDATE SET " +
         assignments(as) + may_be_replaced(as, aside, prefix + "t." + as.key, expires) + " RETURNING t." + as.key +
         " AS key), outcome AS (SELECT " + prefix + "key AS key, max(ends) AS ends, max(more) AS more FROM (SELECT " +
         as.key + " AS key, lovage_ends AS ends, lovage_more AS more, 0 AS stored FROM given UNION ALL " +
         "SELECT key, NULL, NULL, 1 FROM stored) AS both_sides GROUP BY key HAVING max(stored) = 1), " +
         "plain AS (DELETE FROM " + aside +
         " WHERE row_key = ANY (ARRAY(SELECT key FROM outcome WHERE ends IS NULL))) INSERT INTO " + aside +
         " (row_key, ends, more) SELECT key, ends, more FROM outcome WHERE ends IS NOT NULL ORDER BY key " +
         "ON CONFLICT (row_key) DO UPDATE SET ends = excluded.ends, more = excluded.more";
}

expected<generated_column> own_numbering(sql::session& on, std::string const& table, deadline until) {
  auto const found = on.run("SELECT pg_get_serial_sequence(?, 'id')", sql::row{table}, until);
  if (!found) return fail(found.error());
  auto const* sequence = std::get_if<std::string>(&found->rows.at(0).at(0));
  if (sequence == nullptr || sequence->find('\'') != sequence->npos) return generated_column{};
  return generated_column{"id", "nextval('" + *sequence + "')"};
}

}  // namespace lovage::backend
