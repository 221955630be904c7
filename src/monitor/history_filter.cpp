#include "monitor/history_filter.hpp"

#include "monitor/search_text.hpp"

#include <sqlite3.h>

#include <algorithm>

namespace lovage::monitor {
namespace {

constexpr std::size_t most_named = 1'000, most_listed = 10'000;
// `first` is at most ten minutes before a task was written, and never after: rows beyond a time are beyond that too.
constexpr std::chrono::minutes most_lag{11};

sqlite3_stmt* prepared(store::database& on, std::string const& sql) {
  sqlite3_stmt* out = nullptr;
  on.check(sqlite3_prepare_v2(on.raw(), sql.c_str(), static_cast<int>(sql.size()), &out, nullptr));
  return out;
}

std::string blob_literal(std::string const& octets) {
  constexpr char const* digits = "0123456789abcdef";
  std::string out = "X'";
  for (unsigned char const c : octets) out += digits[c >> 4], out += digits[c & 15];
  return out + "'";
}

std::string text_literal(std::string const& text) {
  std::string out = "'";
  for (char const c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

std::string list_of(std::vector<std::int64_t> const& numbers) {
  std::string out;
  for (auto const n : numbers) out += (out.empty() ? "" : ",") + std::to_string(n);
  return "(" + out + ")";
}

std::string any_of_tags(char kind, std::vector<std::int64_t> const& numbers) {
  std::string out;
  for (auto const n : numbers) out += (out.empty() ? "" : " OR ") + (kind + std::to_string(n));
  return "(" + out + ")";
}

/// Builds one filter, part by part.
class builder {
 public:
  builder(task_filter const& from, store::database& on, word_book& words) : from_{from}, on_{on}, words_{words} {}

  expected<sql_filter> build() {
    auto text = search_expression(from_.text);
    if (!text) return fail(text.error());
    bool const wordless = !from_.text.empty() && text->empty();  // only signs: no text has them as words
    out_.nothing = wordless && from_.text.find_first_not_of(" \t\r\n") != std::string::npos;
    add_error();
    add_word("by_queue", "queue", 'q', word_kind::queue, from_.queue);
    add_word("by_worker", "worker", 'w', word_kind::worker, from_.worker);
    add_names();
    add_states();
    add_times();
    add_sets();
    if (!text->empty()) out_.match = match_of(*text);
    out_.has_beginnings = text->find("\" *") != text->npos;
    return std::move(out_);
  }

 private:
  void add(std::string const& condition, bool said_by_tags) {
    out_.where += condition;
    if (!said_by_tags) out_.rest += condition;
  }
  void tag(std::string const& t) { tags_ += (tags_.empty() ? "" : " AND ") + t; }
  [[nodiscard]] std::string match_of(std::string const& text) const {
    auto out = "{name args kwargs result exception traceback} : (" + text + ")";
    if (!tags_.empty()) out += " AND tags : (" + tags_ + ")";
    return text_literal(out);
  }

  void add_index(char const* index, char const* column, std::vector<std::int64_t> const& numbers) {
    auto condition = std::string{" AND "} + column + " IN " + list_of(numbers);
    if (numbers.size() == 1) condition = std::string{" AND "} + column + " = " + std::to_string(numbers[0]);
    bool const partial = std::string_view{column} == "queue" || std::string_view{column} == "error";
    if (partial) condition += std::string{" AND "} + column + " > 0";
    out_.indexes.push_back({index, condition, column, numbers});
    add(condition, true);
  }

  void add_error() {
    if (from_.error_group.empty()) return;
    auto ask = on_.prepare("SELECT id FROM failure WHERE code = ?");
    ask.bind(std::string_view{from_.error_group});
    if (!ask.step()) return void(out_.nothing = true);
    auto const number = ask.integer(0);
    add_index("by_error", "error", {number});
    tag("e" + std::to_string(number));
  }

  void add_word(char const* index, char const* column, char kind, word_kind of, std::string const& text) {
    if (text.empty()) return;
    auto const number = words_.find(of, text);
    if (!number) return void(out_.nothing = true);
    add_index(index, column, {*number});
    tag(kind + std::to_string(*number));
  }

  void add_names() {
    if (from_.name.empty() || from_.name == "*") return;
    if (from_.name.back() != '*') {
      if (auto const number = words_.find(word_kind::task, from_.name)) out_.names.push_back(*number);
    } else {
      auto const beginning = from_.name.substr(0, from_.name.size() - 1);
      auto ask =
          on_.prepare("SELECT id FROM word WHERE kind = 1 AND substr(text, 1, length(?1)) = ?1 ORDER BY id LIMIT ?2");
      ask.bind(std::string_view{beginning}).bind(static_cast<std::int64_t>(most_named));
      while (ask.step()) out_.names.push_back(ask.integer(0));
    }
    if (out_.names.empty()) return void(out_.nothing = true);
    add_index("by_name", "name", out_.names);
    tag(any_of_tags('n', out_.names));
  }

  void add_states() {
    if (from_.states.empty()) return;
    std::vector<std::int64_t> all, ended;
    for (auto const& s : from_.states) {
      auto const number = words_.find(word_kind::state, s);
      if (!number) continue;
      all.push_back(*number);
      bool const end = state::is_end(s);
      (end ? out_.ended_states : out_.open_states) = true;
      if (end) ended.push_back(*number);
    }
    if (all.empty()) return void(out_.nothing = true);
    add_index("by_state", "state", all);
    auto tags = ended.empty() ? std::string{} : any_of_tags('s', ended);
    if (out_.open_states) {  // the index only says that it has not ended
      out_.rest += out_.indexes.back().condition;
      tags = tags.empty() ? "sopen" : "(sopen OR " + tags + ")";
    }
    tag(tags);
  }

  std::optional<std::int64_t> row(std::string const& condition, char const* direction) {
    one_query ask{on_, "SELECT seq FROM task INDEXED BY by_first WHERE " + condition + " ORDER BY first " + direction +
                           " LIMIT 1"};
    return ask.step() ? std::optional{ask.integer(0)} : std::nullopt;
  }

  void add_times() {
    auto const before_times = out_.where.size();
    if (from_.from) {
      add(" AND first >= " + std::to_string(first_key(*from_.from)), false);
      if (auto const before = row("first < " + std::to_string(first_key(*from_.from - most_lag)), "DESC"))
        out_.rows += " AND words.rowid > " + std::to_string(*before);
    }
    if (from_.to) {
      add(" AND first < " + std::to_string(first_key(*from_.to)), false);
      if (auto const after = row("first >= " + std::to_string(first_key(*from_.to + most_lag)), "ASC"))
        out_.rows += " AND words.rowid < " + std::to_string(*after);
    }
    if (auto times = out_.where.substr(before_times); !times.empty())
      out_.indexes.push_back({"by_first", std::move(times)});
  }

  void add_sets() {
    if (!from_.ids.empty()) {
      std::string all;
      for (auto const& id : from_.ids) {
        all += (all.empty() ? "" : ",") + blob_literal(key_of(id));
        if (all.size() > most_listed * 40) break;
      }
      out_.set += " AND id IN (" + all + ")";
    }
    if (!from_.root.empty()) {
      auto const key = blob_literal(key_of(from_.root));
      out_.set += " AND seq IN (SELECT seq FROM task WHERE id = " + key +
                  " UNION ALL SELECT seq FROM task INDEXED BY by_root WHERE root = " + key + ")";
    }
    if (!from_.group.empty())
      out_.set +=
          " AND seq IN (SELECT seq FROM task INDEXED BY by_group WHERE grp = " + blob_literal(key_of(from_.group)) +
          " AND grp IS NOT NULL)";
    add(out_.set, false);
  }

  task_filter const& from_;
  store::database& on_;
  word_book& words_;
  sql_filter out_;
  std::string tags_;  // what `match` says beside the text
};

}  // namespace

one_query::one_query(store::database& on, std::string const& sql) : made_{prepared(on, sql)}, use_{made_.get()} {}
void one_query::ending::operator()(sqlite3_stmt* made) const noexcept { sqlite3_finalize(made); }

expected<sql_filter> sql_of(task_filter const& which, store::database& on, word_book& words) {
  if (which.ids.size() > most_listed) return fail(errc::invalid_argument, "name at most 10,000 tasks at once", "ids");
  return builder{which, on, words}.build();
}

}  // namespace lovage::monitor
