// Searches with text; see the head of history_search.hpp.
#include "monitor/history_search.hpp"

#include <algorithm>

namespace lovage::monitor {
namespace {

constexpr std::size_t few_hits = 20'000;
constexpr std::size_t look_ups = 1'200;  // so often a single row is asked of the full-text index
constexpr double often = 0.1;            // the part of all tasks above which walking and looking up finds a page soon

std::string at_most(std::size_t n) { return " LIMIT " + std::to_string(n); }

bool by_time(task_order o) { return o == task_order::newest || o == task_order::oldest; }

std::string matching(sql_filter const& w) { return " words MATCH " + w.match + w.rows; }

}  // namespace

// With a text, rows stand for times: they are given as tasks are first heard of.
std::string history_search::text_hits(request const& r, std::string const& more) const {
  return "SELECT t.seq, t.seq, t.took, t.name FROM words CROSS JOIN task t ON t.seq = words.rowid WHERE" +
         matching(r.which) + r.which.rest + more;
}

history_search::found history_search::with_text(request const& r) {
  auto const n = count("words WHERE" + matching(r.which), few_hits);
  if (n >= few_hits) return dense_text(r);
  if (!by_time(r.order) || !r.which.rest.empty()) return sorted(r, hits(text_hits(r, {}), r.order));
  auto out = dense_text(r);
  out.total = n;
  out.at_least = false;
  return out;
}

history_search::found history_search::dense_text(request const& r) {
  found out;
  auto const& w = r.which;
  if (w.rest.empty()) {
    out.total = task_page::counted + 1;
  } else {
    out.total =
        count("words CROSS JOIN task t ON t.seq = words.rowid WHERE" + matching(w) + w.rest, task_page::counted + 1);
  }
  if (r.order == task_order::by_name) {
    walk_names(r, out);
  } else if (by_time(r.order)) {
    bool const rising = r.order == task_order::oldest;
    std::string after;
    if (!r.after.at_begin)
      after = std::string{" AND words.rowid "} + (rising ? "> " : "< ") + std::to_string(r.after.key);
    auto const end = std::string{" ORDER BY words.rowid "} + (rising ? "ASC" : "DESC") + at_most(r.limit + 1);
    auto const alone = "SELECT words.rowid, words.rowid, 0, 0 FROM words WHERE" + matching(w);
    out.hits = hits((w.rest.empty() ? alone : text_hits(r, {})) + after + end, r.order);
  } else {
    by_duration_and_text(r, out);
  }
  return out;
}

void history_search::by_duration_and_text(request const& r, found& out) {
  bool const measured = r.after.at_begin || r.after.name == 0;
  bool const none_ended = r.which.open_states && !r.which.ended_states;
  if (measured && !none_ended) {
    one_query span{on_, "SELECT (SELECT max(seq) FROM task) - rowid FROM words WHERE" + matching(r.which) +
                            " ORDER BY rowid DESC LIMIT 1 OFFSET " + std::to_string(few_hits - 1)};
    auto const rows = span.step() ? static_cast<double>(std::max<std::int64_t>(1, span.integer(0))) : 1.0;
    bool const in_many = static_cast<double>(few_hits) / rows > often;
    if (!in_many || !walk_looking_up(r, out)) {
      out.hits.clear();
      walk_marked(r, out);
    }
  }
  if (out.hits.size() > r.limit) return;
  std::string after = " AND t.took < 0";
  if (!r.after.at_begin && r.after.name != 0) after += " AND words.rowid < " + std::to_string(r.after.key);
  auto more =
      hits(text_hits(r, after + " ORDER BY words.rowid DESC" + at_most(r.limit + 1 - out.hits.size())), r.order);
  out.hits.insert(out.hits.end(), more.begin(), more.end());
}

// False when the budget is used up before the page is full.
template <class Check>
bool history_search::walk_durations(request const& r, std::size_t budget, Check const& is_match, found& out) {
  bool const rising = r.order == task_order::fastest;
  auto sql = "SELECT seq, took, name FROM task INDEXED BY by_took WHERE took >= 0" + r.which.where;
  if (!r.after.at_begin) sql += std::string{" AND took "} + (rising ? "> " : "< ") + std::to_string(r.after.key);
  one_query rows{on_, sql + " ORDER BY took" + (rising ? " ASC" : " DESC")};
  while (out.hits.size() <= r.limit && rows.step()) {
    if (budget-- == 0) return false;
    if (is_match(rows.integer(0)))
      out.hits.push_back({rows.integer(0), rows.integer(1), rows.integer(2), rows.integer(0)});
  }
  return true;
}

bool history_search::walk_looking_up(request const& r, found& out) {
  one_query one{on_, "SELECT 1 FROM words WHERE words MATCH " + r.which.match + " AND rowid = ?"};
  auto const look_up = [&](std::int64_t row) {
    one.again(row);
    return one.step();
  };
  return walk_durations(r, look_ups, look_up, out);
}

// A bit for each row.
void history_search::walk_marked(request const& r, found& out) {
  one_query ends{on_, "SELECT min(seq), max(seq) FROM task"};
  if (!ends.step()) return;
  auto const first = ends.integer(0), last = ends.integer(1);
  std::vector<bool> marked(static_cast<std::size_t>(last - first + 1));
  one_query rows{on_, "SELECT rowid FROM words WHERE" + matching(r.which)};
  while (rows.step())
    if (auto const at = rows.integer(0) - first; at >= 0 && at <= last - first)
      marked[static_cast<std::size_t>(at)] = true;
  auto const is_marked = [&](std::int64_t row) {
    return row >= first && row <= last && marked[static_cast<std::size_t>(row - first)];
  };
  walk_durations(r, static_cast<std::size_t>(-1), is_marked, out);
}

}  // namespace lovage::monitor
