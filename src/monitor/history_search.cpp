#include "monitor/history_search.hpp"

#include "monitor/history_writer.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace lovage::monitor {
namespace {

constexpr std::size_t few = 20'000;  // so many are looked through and sorted
constexpr std::int64_t unmeasured = std::numeric_limits<std::int64_t>::min();

std::string limit_of(std::size_t n) { return " LIMIT " + std::to_string(n); }
std::string less_than(std::int64_t key) { return " < " + std::to_string(key); }

bool is_by_time(task_order o) { return o == task_order::newest || o == task_order::oldest; }
bool is_by_duration(task_order o) { return o == task_order::slowest || o == task_order::fastest; }

std::string text_of_place(std::int64_t name, std::int64_t key) {
  return std::to_string(name) + "." + std::to_string(key);
}

}  // namespace

expected<task_page> history_search::find(task_filter const& which, task_order order, std::size_t limit,
                                         std::string const& cursor) {
  auto const begin = std::chrono::steady_clock::now();
  auto sql = sql_of(which, on_, words_);
  if (!sql) return fail(sql.error());
  request r{*std::move(sql), order, std::clamp<std::size_t>(limit, 1, 1'000), {}};
  if (!cursor.empty()) {
    auto const* end = cursor.data() + cursor.size();
    auto const name = std::from_chars(cursor.data(), end, r.after.name);
    bool const parted = name.ec == std::errc{} && name.ptr != end && *name.ptr == '.';
    auto const key = parted ? std::from_chars(name.ptr + 1, end, r.after.key) : name;
    if (!parted || key.ec != std::errc{} || key.ptr != end)
      return fail(errc::invalid_argument, "this is no cursor of a page; leave it out for the first page", "cursor");
    r.after.at_begin = false;
  }
  found f;
  if (!r.which.nothing) f = r.which.has_text() ? with_text(r) : plain(r);
  auto out = page(r, std::move(f));
  out.took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  return out;
}

expected<std::vector<std::int64_t>> history_search::rows(task_filter const& which, std::size_t most) {
  auto sql = sql_of(which, on_, words_);
  if (!sql) return fail(sql.error());
  std::vector<std::int64_t> out;
  if (sql->nothing) return out;
  auto const text = sql->has_text()
                        ? "SELECT t.seq FROM words CROSS JOIN task t ON t.seq = words.rowid WHERE words MATCH " +
                              sql->match + sql->rest + " ORDER BY words.rowid DESC"
                        : "SELECT seq FROM task WHERE 1" + sql->where + " ORDER BY first DESC";
  one_query ask{on_, text + limit_of(most)};
  while (ask.step()) out.push_back(ask.integer(0));
  return out;
}

std::size_t history_search::count(std::string const& from, std::size_t most) {
  one_query ask{on_, "SELECT count(*) FROM (SELECT 1 FROM " + from + limit_of(most) + ")"};
  ask.step();
  return static_cast<std::size_t>(ask.integer(0));
}

// `sql` gives seq, first, took and name.
std::vector<history_search::hit> history_search::hits(std::string const& sql, task_order order) {
  std::vector<hit> out;
  one_query ask{on_, sql};
  while (ask.step()) {
    hit h{ask.integer(0), ask.integer(1), ask.integer(3), ask.integer(1)};
    auto const took = ask.integer(2);
    if (is_by_duration(order)) h.key = took >= 0 ? took : unmeasured;
    out.push_back(h);
  }
  return out;
}

history_search::found history_search::plain(request const& r) {
  auto const& w = r.which;
  std::string const columns = "SELECT seq, first, took, name FROM task ";
  if (!w.set.empty()) return sorted(r, hits(columns + "WHERE 1" + w.where + limit_of(few), r.order));
  std::string index = "by_first", single;
  for (auto const& choice : w.indexes) {
    auto const from = "task INDEXED BY " + choice.name + " WHERE 1" + choice.condition;
    if (count(from, few) < few)
      return sorted(r, hits(columns + "INDEXED BY " + choice.name + " WHERE 1" + w.where, r.order));
    if (choice.one_value && single.empty()) single = choice.name;
  }
  if (!single.empty()) index = single;
  found out;
  out.total = count("task INDEXED BY " + index + " WHERE 1" + w.where, task_page::counted + 1);
  if (r.order == task_order::by_name) {
    walk_names(r, out);
  } else if (is_by_time(r.order)) {
    walk(r, index, w.where, out);
  } else {
    bool const measured = r.after.at_begin || r.after.name == 0;
    bool const none_ended = w.open_states && !w.ended_states;
    if (measured && !none_ended) walk(r, "by_took", w.where + " AND took >= 0", out);
    if (out.hits.size() <= r.limit) walk_unmeasured(r, index, w.where, out);
  }
  return out;
}

// Few: all of them are here.
history_search::found history_search::sorted(request const& r, std::vector<hit> all) {
  found out;
  out.total = all.size();
  std::unordered_map<std::int64_t, std::string> names;
  auto const name = [&](std::int64_t n) -> std::string const& {
    auto const [at, fresh] = names.try_emplace(n);
    if (fresh) at->second = words_.text(n);
    return at->second;
  };
  bool const rising = r.order == task_order::oldest || r.order == task_order::fastest;
  bool const durations = is_by_duration(r.order);
  // `hit::key` is what pages go on after; unmeasured ones come last, newest first.
  auto const before = [&](hit const& a, hit const& b) {
    if (r.order == task_order::by_name && a.name != b.name) return name(a.name) < name(b.name);
    if (durations && (a.key == unmeasured || b.key == unmeasured))
      return a.key == b.key ? a.time > b.time : b.key == unmeasured;
    return rising ? a.key < b.key : a.key > b.key;
  };
  if (!r.after.at_begin) {
    hit last{0, r.after.key, r.after.name, r.after.key};
    if (durations && r.after.name != 0) last.key = unmeasured;
    std::erase_if(all, [&](hit const& h) { return !before(last, h); });
  }
  auto const n = std::min(all.size(), r.limit + 1);
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(), before);
  all.resize(n);
  out.hits = std::move(all);
  return out;
}

void history_search::walk(request const& r, std::string const& index, std::string const& condition, found& out) {
  bool const rising = r.order == task_order::oldest || r.order == task_order::fastest;
  std::string const column = is_by_duration(r.order) ? "took" : "first";
  auto sql = "SELECT seq, first, took, name FROM task INDEXED BY " + index + " WHERE 1" + condition;
  if (!r.after.at_begin)
    sql += " AND " + column + (rising ? " > " + std::to_string(r.after.key) : less_than(r.after.key));
  sql += " ORDER BY " + column + (rising ? " ASC" : " DESC") + limit_of(r.limit + 1 - out.hits.size());
  auto more = hits(sql, r.order);
  out.hits.insert(out.hits.end(), more.begin(), more.end());
}

// Those without a duration, after all others: newest first.
void history_search::walk_unmeasured(request const& r, std::string const& index, std::string const& condition,
                                     found& out) {
  auto sql = "SELECT seq, first, took, name FROM task INDEXED BY " + index + " WHERE 1" + condition + " AND took < 0";
  if (!r.after.at_begin && r.after.name != 0) sql += " AND first" + less_than(r.after.key);
  auto more = hits(sql + " ORDER BY first DESC" + limit_of(r.limit + 1 - out.hits.size()), r.order);
  out.hits.insert(out.hits.end(), more.begin(), more.end());
}

std::vector<std::pair<std::string, std::int64_t>> history_search::all_names(request const& r) {
  std::vector<std::pair<std::string, std::int64_t>> out;
  if (r.which.names.empty()) {
    one_query ask{on_, "SELECT text, id FROM word WHERE kind = 1 UNION ALL SELECT '', 0"};
    while (ask.step()) out.emplace_back(std::string{ask.text(0)}, ask.integer(1));
  }
  for (auto const n : r.which.names) out.emplace_back(words_.text(n), n);
  std::sort(out.begin(), out.end());
  return out;
}

void history_search::walk_names(request const& r, found& out) {
  bool reached = r.after.at_begin;
  for (auto const& [text, number] : all_names(r)) {
    if (out.hits.size() > r.limit) return;
    bool const here = !reached && number == r.after.name;
    if (!reached && !here) continue;
    reached = true;
    auto const size = limit_of(r.limit + 1 - out.hits.size());
    std::string sql;
    if (r.which.has_text()) {
      sql =
          "SELECT t.seq, t.seq, t.took, t.name FROM words CROSS JOIN task t ON t.seq = words.rowid WHERE words MATCH " +
          r.which.match_of(number) + r.which.rest + r.which.rows;
      if (here) sql += " AND words.rowid" + less_than(r.after.key);
      sql += " ORDER BY words.rowid DESC" + size;
    } else {
      sql = "SELECT seq, first, took, name FROM task INDEXED BY by_name WHERE name = " + std::to_string(number) +
            r.which.where;
      if (here) sql += " AND first" + less_than(r.after.key);
      sql += " ORDER BY first DESC" + size;
    }
    auto more = hits(sql, r.order);
    out.hits.insert(out.hits.end(), more.begin(), more.end());
  }
}

task_page history_search::page(request const& r, found f) {
  static std::string const sql =
      std::string{"SELECT "} + row_columns + " FROM task t JOIN body b USING (seq) WHERE t.seq = ?";
  task_page out;
  out.at_least = f.at_least || f.total > task_page::counted;
  out.total = std::min(f.total, task_page::counted);
  bool const more = f.hits.size() > r.limit;
  if (more) f.hits.resize(r.limit);
  for (auto const& h : f.hits) {
    auto ask = on_.prepare(sql.c_str());
    ask.bind(h.seq);
    if (!ask.step()) continue;
    out.tasks.push_back(read_row(ask, words_, brief_limit));
    out.tasks.back().traceback.clear();
  }
  if (!more) return out;
  auto const& last = f.hits.back();
  bool const none = is_by_duration(r.order) && last.key == unmeasured;
  auto const name = r.order == task_order::by_name ? last.name : 0;
  out.next = none ? text_of_place(1, last.time) : text_of_place(name, last.key);
  return out;
}

}  // namespace lovage::monitor
