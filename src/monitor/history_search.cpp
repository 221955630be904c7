#include "monitor/history_search.hpp"

#include "monitor/history_writer.hpp"

#include <algorithm>
#include <charconv>

namespace lovage::monitor {
namespace {

constexpr std::size_t few_values = 50;  // so many walks over one index are merged

constexpr char const* columns = "SELECT seq, first, took, name FROM task ";

// What comes after a place, in rising or falling order.
std::string beyond(char const* column, bool rising, std::int64_t key) {
  return std::string{" AND "} + column + (rising ? " > " : " < ") + std::to_string(key);
}
std::string in_order(char const* column, bool rising, std::size_t limit) {
  return std::string{" ORDER BY "} + column + (rising ? " ASC" : " DESC") + limit_of(limit);
}
std::string without(std::string from, std::string const& part) {
  if (auto const at = from.find(part); at != std::string::npos) from.erase(at, part.size());
  return from;
}

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
  auto const by_index = [&](index_choice const& choice, std::size_t most) {
    return hits(columns + ("INDEXED BY " + choice.name) + " WHERE 1" + w.where + limit_of(most), r.order);
  };
  if (!w.set.empty())
    return sorted(r, hits(std::string{columns} + "WHERE 1" + w.where + limit_of(limits_.few), r.order));
  for (auto const& choice : w.indexes)
    if (count("task INDEXED BY " + choice.name + " WHERE 1" + choice.condition, limits_.few) < limits_.few)
      return sorted(r, by_index(choice, limits_.few));
  found out;
  if (w.indexes.empty()) {
    out.total = count("task INDEXED BY by_first", task_page::counted + 1);
  } else {  // all conditions together may leave few
    auto some = by_index(w.indexes.front(), task_page::counted + 1);
    if (some.size() < std::min(limits_.few, task_page::counted + 1)) return sorted(r, std::move(some));
    out.total = some.size();
  }
  if (r.order == task_order::by_name) {
    walk_names(r, no_limit, {}, out);
  } else if (is_by_time(r.order)) {
    walk(r, out);
  } else {
    bool const none_ended = w.open_states && !w.ended_states;
    if (r.at_measured() && !none_ended) walk_by_took(r, out);
    if (out.hits.size() <= r.limit) walk_unmeasured(r, out);
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
  bool const rising = is_rising(r.order);
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

// By time. Of several values, each has its own rows in that order.
void history_search::walk(request const& r, found& out) {
  auto const& w = r.which;
  bool const rising = is_rising(r.order);
  auto end = in_order("first", rising, r.limit + 1);
  if (!r.after.at_begin) end = beyond("first", rising, r.after.key) + end;
  auto const at = std::find_if(w.indexes.begin(), w.indexes.end(), [](auto const& choice) {
    return !choice.values.empty() && choice.values.size() <= few_values;
  });
  if (at == w.indexes.end()) {
    out.hits = hits(std::string{columns} + "INDEXED BY by_first WHERE 1" + w.where + end, r.order);
    return;
  }
  auto const& choice = *at;
  auto const rest = choice.values.size() == 1 ? w.where : without(w.where, choice.condition);
  for (auto const value : choice.values) {
    auto const is_value = " WHERE " + choice.column + " = " + std::to_string(value);
    auto const more = hits(columns + ("INDEXED BY " + choice.name) + is_value + rest + end, r.order);
    out.hits.insert(out.hits.end(), more.begin(), more.end());
  }
  if (choice.values.size() > 1)
    std::sort(out.hits.begin(), out.hits.end(),
              [&](auto const& a, auto const& b) { return rising ? a.key < b.key : a.key > b.key; });
  if (out.hits.size() > r.limit + 1) out.hits.resize(r.limit + 1);
}

// Tasks of one kind may all lie at the other end of the index of durations: then those of the kind are gone through.
void history_search::walk_by_took(request const& r, found& out) {
  auto const& w = r.which;
  bool const alone = w.indexes.empty();
  if (walk_durations(r, alone ? no_limit : limits_.first_look, {}, out)) return;
  bool const rising = is_rising(r.order);
  auto sql = columns + ("INDEXED BY " + w.indexes.front().name) + " WHERE took >= 0" + w.where;
  if (!r.after.at_begin) sql += beyond("took", rising, r.after.key);
  out.hits = hits(sql + in_order("took", rising, r.limit + 1), r.order);
}

// False when the budget is used up before the page is full. With text, rows stand for times.
bool history_search::walk_durations(request const& r, std::size_t budget, row_check const& is_match, found& out) {
  bool const rising = is_rising(r.order), text = r.which.has_text();
  auto sql = "SELECT seq, took, name, first, 1" + (text ? r.which.rest : r.which.where) +
             " FROM task INDEXED BY by_took WHERE took >= 0";
  if (!r.after.at_begin) sql += beyond("took", rising, r.after.key);
  one_query rows{on_, sql + " ORDER BY took" + (rising ? " ASC" : " DESC")};
  while (out.hits.size() <= r.limit && rows.step()) {
    if (budget-- == 0) return false;
    auto const seq = rows.integer(0);
    if (rows.integer(4) == 0 || (is_match && !is_match(seq))) continue;
    out.hits.push_back({seq, rows.integer(1), rows.integer(2), text ? seq : rows.integer(3)});
  }
  return true;
}

// Those without a duration, after all others: newest first.
void history_search::walk_unmeasured(request const& r, found& out) {
  auto const& w = r.which;
  auto const index = w.indexes.empty() ? "by_first" : w.indexes.front().name;
  auto sql = columns + ("INDEXED BY " + index) + " WHERE took < 0" + w.where;
  if (!r.at_measured()) sql += beyond("first", false, r.after.key);
  auto more = hits(sql + in_order("first", false, r.limit + 1 - out.hits.size()), r.order);
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

// As above.
bool history_search::walk_names(request const& r, std::size_t budget, row_check const& is_match, found& out) {
  auto const& filter = r.which.has_text() ? r.which.rest : r.which.where;
  bool reached = r.after.at_begin;
  for (auto const& [text, number] : all_names(r)) {
    if (out.hits.size() > r.limit) return true;
    bool const here = !reached && number == r.after.name;
    if (!reached && !here) continue;
    reached = true;
    auto sql = columns + ("INDEXED BY by_name WHERE name = " + std::to_string(number)) + filter;
    if (here) sql += beyond("first", false, r.after.key);
    one_query rows{on_, sql + " ORDER BY first DESC"};
    while (out.hits.size() <= r.limit && rows.step()) {
      if (budget-- == 0) return false;
      if (!is_match || is_match(rows.integer(0)))
        out.hits.push_back({rows.integer(0), rows.integer(1), number, rows.integer(1)});
    }
  }
  return true;
}

task_page history_search::page(request const& r, found f) {
  static std::string const sql =
      std::string{"SELECT "} + row_columns + " FROM task t JOIN body b USING (seq) WHERE t.seq = ?";
  task_page out;
  out.at_least = f.total > task_page::counted;
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
