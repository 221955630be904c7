// Searching the history.
//
// Without text: when one part of the filter leaves few tasks, these are looked through and sorted; else the index that
// has the wanted order is walked until the page is full. With text, the full-text index is asked; it knows name,
// worker, queue, failure and end state as words too. Where a text is in very many tasks and these are wanted by
// duration, the index of durations is walked and the text looked for in each.
#pragma once

#include "monitor/history_filter.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace lovage::monitor {

/// *Threads*: one at a time; of one reading connection. Throws `sql_failure`.
class history_search {
 public:
  history_search(store::database& on, word_book& words) : on_{on}, words_{words} {}

  [[nodiscard]] expected<task_page> find(task_filter const& which, task_order order, std::size_t limit,
                                         std::string const& cursor);
  /// Rows of all that match, newest first.
  [[nodiscard]] expected<std::vector<std::int64_t>> rows(task_filter const& which, std::size_t most);

 private:
  /// Where a page ended. `key` is unique within the order. By duration, `name` 1 stands for tasks without one, which
  /// come last; by name, it is the task's.
  struct place {
    bool at_begin = true;
    std::int64_t name = 0, key = 0;
  };
  /// `key` is what the order goes by; `time` what tasks without a duration, or of one name, go by.
  struct hit {
    std::int64_t seq = 0, key = 0, name = 0, time = 0;
  };
  struct request {
    sql_filter which;
    task_order order;
    std::size_t limit;
    place after;
  };
  struct found {
    std::vector<hit> hits;  // one more than the limit where there is more
    std::size_t total = 0;
    bool at_least = false;
  };

  found plain(request const& r);
  found with_text(request const& r);
  found dense_text(request const& r);
  void by_duration_and_text(request const& r, found& out);
  bool walk_looking_up(request const& r, found& out);
  void walk_marked(request const& r, found& out);
  template <class Check>
  bool walk_durations(request const& r, std::size_t budget, Check const& is_match, found& out);
  std::string text_hits(request const& r, std::string const& more) const;
  found sorted(request const& r, std::vector<hit> all);
  void walk(request const& r, std::string const& index, std::string const& condition, found& out);
  void walk_names(request const& r, found& out);
  void walk_unmeasured(request const& r, std::string const& index, std::string const& condition, found& out);
  std::vector<hit> hits(std::string const& sql, task_order order);
  std::size_t count(std::string const& from, std::size_t most);
  std::vector<std::pair<std::string, std::int64_t>> all_names(request const& r);
  task_page page(request const& r, found f);

  store::database& on_;
  word_book& words_;
};

}  // namespace lovage::monitor
