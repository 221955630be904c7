// The one who writes tasks into the history.
#pragma once

#include "core/clock.hpp"
#include "monitor/history.hpp"
#include "monitor/history_rows.hpp"

#include <list>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace lovage::monitor {

/// *Threads*: one at a time. Throws `sql_failure`; then nothing of the batch is kept. *Memory*: the last 10,000 records
/// that changed, at most 64 MiB of them, and those of a batch while it is written.
class history_writer {
 public:
  history_writer(store::database& on, now_fn now) : on_{on}, words_{on, true}, now_{std::move(now)} {}

  std::vector<task_record> add(std::span<wire::event const> events);
  /// Removes these rows; the caller has the transaction.
  void remove(std::span<std::int64_t const> rows);
  /// Names and failures that no task has any more.
  void remove_unused_words();
  /// After something went wrong: what is remembered may not be what is kept.
  void forget();

 private:
  struct entry {
    task_record t;
    std::vector<task_step> steps;
    std::int64_t seq = 0;     // zero: not in the file yet
    std::size_t indexed = 0;  // of what the full-text index has
    std::size_t octets = 0;
    bool changed = false;
  };
  using entries = std::list<entry>;

  entry& find(std::string const& id);
  bool load(entry& into);
  void write(entry& e);
  void write_body(entry const& e);
  void index(entry const& e, std::string const& tags);
  void unindex(std::int64_t row);
  void shrink();

  store::database& on_;
  word_book words_;
  now_fn const now_;
  entries recent_;  // the last used first
  std::unordered_map<std::string, entries::iterator> by_id_;
  std::size_t octets_ = 0;
};

/// As lists show it: long texts cut to 1 KiB, no traceback.
[[nodiscard]] task_record brief(task_record t);
inline constexpr std::size_t brief_limit = 1024;

}  // namespace lovage::monitor
