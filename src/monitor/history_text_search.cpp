// Searches with text; see the head of history_search.hpp.
#include "monitor/history_search.hpp"

#include <algorithm>

namespace lovage::monitor {
namespace {

constexpr std::size_t walked_for_one = 10;  // looking up a row costs as much as walking over some thirty of an index

std::string matching(sql_filter const& w) { return " words MATCH " + w.match + w.rows; }

}  // namespace

// In rising order.
std::vector<std::int64_t> history_search::rows_with_text(request const& r, std::size_t most) {
  std::vector<std::int64_t> out;
  one_query ask{on_, "SELECT rowid FROM words WHERE" + matching(r.which) + limit_of(most)};
  while (ask.step()) out.push_back(ask.integer(0));
  return out;
}

row_marks history_search::marks_of_text(request const& r) {
  row_marks out;
  one_query ask{on_, "SELECT rowid FROM words WHERE" + matching(r.which)};
  while (ask.step()) out.mark(ask.integer(0));
  return out;
}

// By time and by duration, rows stand for times: they are given as tasks are first heard of.
std::vector<history_search::hit> history_search::hits_of(request const& r, std::vector<std::int64_t> const& rows) {
  std::vector<hit> out;
  std::string const time = r.order == task_order::by_name ? "first" : "seq";
  one_query ask{on_, "SELECT " + time + ", took, name FROM task WHERE seq = ?" + r.which.rest};
  for (auto const row : rows) {
    ask.again(row);
    if (!ask.step()) continue;
    hit h{row, ask.integer(0), ask.integer(2), ask.integer(0)};
    if (is_by_duration(r.order)) h.key = ask.integer(1) >= 0 ? ask.integer(1) : unmeasured;
    out.push_back(h);
  }
  return out;
}

history_search::found history_search::with_text(request const& r) {
  if (!r.which.set.empty()) return of_set_with_text(r);
  auto const rows = rows_with_text(r, limits_.few);
  if (rows.size() == limits_.few)
    return dense_text(r, static_cast<std::size_t>(rows.back() - rows.front()) < 2 * limits_.few);
  bool const sure = r.which.rest.empty();
  if (sure && is_by_time(r.order)) {
    std::vector<hit> all;
    for (auto const row : rows) all.push_back({row, row, 0, row});
    return sorted(r, std::move(all));
  }
  if (sure && is_by_duration(r.order) && r.at_measured() && rows.size() >= limits_.worth_walking) {
    row_marks marks;
    for (auto const row : rows) marks.mark(row);
    auto const is_marked = [&](std::int64_t row) { return marks.has(row); };
    found out;
    out.total = rows.size();
    if (walk_durations(r, rows.size() * walked_for_one, is_marked, out) && out.hits.size() > r.limit) return out;
  }
  return sorted(r, hits_of(r, rows));
}

// Few, whatever the text is in.
history_search::found history_search::of_set_with_text(request const& r) {
  auto const marks = marks_of_text(r);
  std::vector<std::int64_t> rows;
  one_query ask{on_, "SELECT seq FROM task WHERE 1" + r.which.where + limit_of(limits_.few)};
  while (ask.step())
    if (marks.has(ask.integer(0))) rows.push_back(ask.integer(0));
  return sorted(r, hits_of(r, rows));
}

history_search::found history_search::dense_text(request const& r, bool in_most) {
  found out;
  auto const& w = r.which;
  out.total = task_page::counted + 1;
  if (!w.rest.empty())
    out.total = count("words CROSS JOIN task t ON t.seq = words.rowid WHERE" + matching(w) + w.rest, out.total);
  if (is_by_time(r.order)) {
    walk_text(r, out);
    return out;
  }
  bool const none_ended = is_by_duration(r.order) && w.open_states && !w.ended_states;
  if (!none_ended && (r.order == task_order::by_name || r.at_measured()) && (!in_most || !walk_looking_up(r, out))) {
    out.hits.clear();
    walk_matches(
        r, no_limit, [marks = marks_of_text(r)](std::int64_t row) { return marks.has(row); }, out);
  }
  if (is_by_duration(r.order) && out.hits.size() <= r.limit) unmeasured_with_text(r, out);
  return out;
}

// The beginning of a word is put together from all such words for each row that is asked for: false then, too.
bool history_search::walk_looking_up(request const& r, found& out) {
  if (r.which.has_beginnings) return false;
  one_query one{on_, "SELECT 1 FROM words WHERE words MATCH " + r.which.match + " AND rowid = ?"};
  auto const look_up = [&](std::int64_t row) {
    one.again(row);
    return one.step();
  };
  return walk_matches(r, limits_.look_ups, look_up, out);
}

bool history_search::walk_matches(request const& r, std::size_t budget, row_check const& is_match, found& out) {
  return r.order == task_order::by_name ? walk_names(r, budget, is_match, out)
                                        : walk_durations(r, budget, is_match, out);
}

void history_search::walk_text(request const& r, found& out) {
  bool const rising = is_rising(r.order);
  auto sql = r.which.rest.empty()
                 ? "SELECT words.rowid, words.rowid, 0, 0 FROM words WHERE" + matching(r.which)
                 : "SELECT t.seq, t.seq, t.took, t.name FROM words CROSS JOIN task t ON t.seq = words.rowid WHERE" +
                       matching(r.which) + r.which.rest;
  if (!r.after.at_begin) sql += std::string{" AND words.rowid "} + (rising ? "> " : "< ") + std::to_string(r.after.key);
  sql += std::string{" ORDER BY words.rowid "} + (rising ? "ASC" : "DESC") + limit_of(r.limit + 1);
  out.hits = hits(sql, r.order);
}

void history_search::unmeasured_with_text(request const& r, found& out) {
  auto sql = "SELECT t.seq, t.seq, t.took, t.name FROM words CROSS JOIN task t ON t.seq = words.rowid WHERE" +
             matching(r.which) + r.which.rest + " AND t.took < 0";
  if (!r.at_measured()) sql += " AND words.rowid < " + std::to_string(r.after.key);
  auto const more = hits(sql + " ORDER BY words.rowid DESC" + limit_of(r.limit + 1 - out.hits.size()), r.order);
  out.hits.insert(out.hits.end(), more.begin(), more.end());
}

}  // namespace lovage::monitor
