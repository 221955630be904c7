// Tasks and their timelines as columns.
#pragma once

#include "monitor/history_schema.hpp"
#include "monitor/task_record.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lovage::monitor {

/// An id as it is kept: the 16 octets of a UUID, any other text as it is.
[[nodiscard]] std::string key_of(std::string_view id);
[[nodiscard]] std::string id_of(std::string_view key);

[[nodiscard]] std::string pack_steps(std::vector<task_step> const& steps);
[[nodiscard]] std::vector<task_step> unpack_steps(std::string_view text);
/// In order of time, each once; of too many the first 20 and the last 80.
void add_step(std::vector<task_step>& to, task_step step);

/// The numbers of names. One for each connection. *Memory*: 20,000 names.
class word_book {
 public:
  /// `owner`: nobody else removes words; what was found once is there for good.
  word_book(store::database& on, bool owner) : on_{&on}, owner_{owner} {}
  /// Makes it where it is not there; zero for the empty name.
  std::int64_t number(word_kind kind, std::string const& text);
  /// Nothing where it is not there.
  [[nodiscard]] std::optional<std::int64_t> find(word_kind kind, std::string const& text);
  [[nodiscard]] std::string const& text(std::int64_t number);
  void clear() { numbers_.clear(), texts_.clear(); }

 private:
  void note(std::string key, std::string const& text, std::int64_t number);
  store::database* on_;
  bool owner_;
  std::unordered_map<std::string, std::int64_t> numbers_;
  std::unordered_map<std::int64_t, std::string> texts_;
};

/// Number in table `failure`, made where it is not there; zero for tasks that have not failed.
std::int64_t failure_number(store::database& on, task_record const& t);

/// Columns that follow `FROM task t JOIN body b USING (seq)`; `read_row` reads them. Long texts cut to `text_limit`.
inline constexpr char const* row_columns =
    "t.seq, t.first, t.state, t.name, t.worker, t.queue, t.id, t.root, t.parent, b.args, b.kwargs, b.result, "
    "b.exception, b.traceback, b.sent, b.received, b.started, b.succeeded, b.failed, b.retried, b.revoked, b.rejected, "
    "b.eta, b.expires, b.updated, b.runtime, b.retries, b.clock, b.exchange, b.routing_key, b.client, b.signum, "
    "(SELECT f.code FROM failure f WHERE f.id = t.error), b.chord, b.stamps, t.grp";
inline constexpr int row_width = 36;  ///< so many columns
[[nodiscard]] task_record read_row(store::statement& from, word_book& words,
                                   std::size_t text_limit = task_record::text_limit);

/// Milliseconds or microseconds above, 20 bits of `seq` below: unique, and in order of time.
[[nodiscard]] std::int64_t first_key(time_point first, std::int64_t seq = 0);
[[nodiscard]] time_point first_of(std::int64_t key);
/// How long the run took that ended the task; -1: it has not ended, or that is not known.
[[nodiscard]] std::int64_t took_key(task_record const& t, std::int64_t seq);
/// Words by which the full-text index knows what is filtered by: "n17 w3 q1 e5 s4".
[[nodiscard]] std::string tags_of(std::int64_t name, std::int64_t worker, std::int64_t queue, std::int64_t error,
                                  std::int64_t state, bool ended);

}  // namespace lovage::monitor
