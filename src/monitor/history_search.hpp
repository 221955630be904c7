// Searching the history.
//
// Without text: when one part of the filter leaves few tasks, or all parts together do, these are looked through and
// sorted; else the index that has the wanted order is walked until the page is full. With text, the full-text index is
// asked; it knows name, worker, queue, failure and end state as words too, and gives rows in the order in which tasks
// were first heard of. For any other order, the rows of a text that is in many tasks are marked in a bit each, and the
// index of the wanted order is walked until enough marked ones are found: the more there are, the sooner. By duration,
// a text that is in most tasks is looked for in one row after the other first, as a page is full before long.
#pragma once

#include "monitor/history_filter.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace lovage::monitor {

/// A bit for each row from the first marked to the last.
class row_marks {
 public:
  /// Rows come in rising order.
  void mark(std::int64_t row) {
    if (bits_.empty()) first_ = row;
    bits_.resize(static_cast<std::size_t>(row - first_) + 1);
    bits_.back() = true;
  }
  [[nodiscard]] bool has(std::int64_t row) const {
    return row >= first_ && static_cast<std::size_t>(row - first_) < bits_.size() &&
           bits_[static_cast<std::size_t>(row - first_)];
  }

 private:
  std::int64_t first_ = 0;
  std::vector<bool> bits_;
};

[[nodiscard]] constexpr bool is_by_time(task_order o) { return o == task_order::newest || o == task_order::oldest; }
[[nodiscard]] constexpr bool is_by_duration(task_order o) {
  return o == task_order::slowest || o == task_order::fastest;
}
/// The smaller key first: oldest, fastest.
[[nodiscard]] constexpr bool is_rising(task_order o) { return o == task_order::oldest || o == task_order::fastest; }
[[nodiscard]] inline std::string limit_of(std::size_t n) { return " LIMIT " + std::to_string(n); }

/// What decides between the ways to search; found by measuring.
struct search_limits {
  std::size_t few = 20'000;           ///< so many are looked through and sorted; more than `task_page::counted`
  std::size_t first_look = 300'000;   ///< rows of the index of durations, before all of another are looked at
  std::size_t look_ups = 1'200;       ///< so often a single row is asked of the full-text index
  std::size_t worth_walking = 2'000;  ///< rows with a text, from which on others are walked over to find them in order
};

/// *Threads*: one at a time; of one reading connection. Throws `sql_failure`.
class history_search {
 public:
  history_search(store::database& on, word_book& words, search_limits const& limits = {})
      : on_{on}, words_{words}, limits_{limits} {}

  [[nodiscard]] expected<task_page> find(task_filter const& which, task_order order, std::size_t limit,
                                         std::string const& cursor);
  /// Rows of all that match, newest first.
  [[nodiscard]] expected<std::vector<std::int64_t>> rows(task_filter const& which, std::size_t most);

 private:
  static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();
  static constexpr std::int64_t unmeasured = std::numeric_limits<std::int64_t>::min();  ///< the key of what has not run

  using row_check = std::function<bool(std::int64_t row)>;
  /// Where a page ended. `key` is unique within the order. By duration, `name` 1 stands for tasks without one, which
  /// come last; by name, it is the task's.
  struct place {
    bool at_begin = true;
    std::int64_t name = 0, key = 0;
  };
  /// `key` is what the order goes by; `time` what tasks without a duration go by.
  struct hit {
    std::int64_t seq = 0, key = 0, name = 0, time = 0;
  };
  struct request {
    sql_filter which;
    task_order order;
    std::size_t limit;
    place after;
    /// By duration: not yet among those that have none.
    [[nodiscard]] bool at_measured() const { return after.at_begin || after.name == 0; }
  };
  struct found {
    std::vector<hit> hits;  // one more than the limit where there is more
    std::size_t total = 0;
  };

  found plain(request const& r);
  found sorted(request const& r, std::vector<hit> all);
  void walk(request const& r, found& out);
  void walk_by_took(request const& r, found& out);
  void walk_unmeasured(request const& r, found& out);
  bool walk_names(request const& r, std::size_t budget, row_check const& is_match, found& out);
  bool walk_durations(request const& r, std::size_t budget, row_check const& is_match, found& out);

  found with_text(request const& r);
  found dense_text(request const& r, bool in_most);
  bool walk_looking_up(request const& r, found& out);
  bool walk_matches(request const& r, std::size_t budget, row_check const& is_match, found& out);
  found of_set_with_text(request const& r);
  std::vector<std::int64_t> rows_with_text(request const& r, std::size_t most);
  row_marks marks_of_text(request const& r);
  void walk_text(request const& r, found& out);
  void unmeasured_with_text(request const& r, found& out);
  std::vector<hit> hits_of(request const& r, std::vector<std::int64_t> const& rows);

  std::vector<hit> hits(std::string const& sql, task_order order);
  std::size_t count(std::string const& from, std::size_t most);
  std::vector<std::pair<std::string, std::int64_t>> all_names(request const& r);
  task_page page(request const& r, found f);

  store::database& on_;
  word_book& words_;
  search_limits const limits_;
};

}  // namespace lovage::monitor
