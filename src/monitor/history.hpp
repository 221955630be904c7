// What tasks did, kept in one SQLite file: searched, counted, and pruned by age and size.
#pragma once

#include "core/clock.hpp"
#include "monitor/minute.hpp"
#include "monitor/task_record.hpp"
#include "monitor/worker_record.hpp"
#include "wire/event.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lovage::monitor {

/// Which tasks. What is empty asks nothing; all that is given must hold.
struct task_filter {
  std::vector<std::string> states = {};            ///< any of these
  std::string name = {}, worker = {}, queue = {};  ///< exactly; a `*` at the end of `name` stands for any rest
  std::string text = {};  ///< words of name, arguments, result, exception, traceback: all of them, in any order;
                          ///< "a phrase" in quotes, the beginning of a word with `*`; a Chinese, Japanese or
                          ///< Korean text is found as a phrase of its characters
  std::string error_group = {}, root = {}, group = {};
  std::vector<std::string> ids = {};
  std::optional<time_point> from = {}, to = {};  ///< by `task_record::first`, from <= first < to
};

enum class task_order : std::uint8_t { newest, oldest, slowest, fastest, by_name };
/// "-received", "received", "-runtime", "runtime", "name"; nothing for other words.
[[nodiscard]] std::optional<task_order> task_order_of(std::string_view word) noexcept;

/// One page. Texts of tasks are cut to 1 KiB, and `traceback` is empty: `task(id)` has them whole.
struct task_page {
  static constexpr std::size_t counted = 10'000;  ///< more than these are not counted

  std::vector<task_record> tasks;
  std::size_t total = 0;  ///< at most `counted`
  bool at_least = false;  ///< there are more than `total`
  std::string next;       ///< give it as `cursor` for the page after; empty: this was the last
  std::chrono::microseconds took{};
};

/// Tasks that failed alike: the same task, type of exception, and message but for its numbers, quoted parts and ids.
struct failure_group {
  std::string id;  ///< as `task_record::error_group`
  std::string task, type, text;
  std::uint64_t count = 0;
  time_point first, last;
  std::string example;               ///< id of the newest of them
  std::vector<std::string> workers;  ///< the first 10
};

struct audit_entry {
  time_point at;
  std::string user, action, target, outcome;  ///< each cut to 512 octets
};

/// What is kept; zero: no limit of that kind.
struct retention {
  std::chrono::hours age{24 * 7};
  std::uint64_t bytes = 2ULL << 30;  ///< of the file and its log
};

struct history_size {
  std::string path;
  std::uint64_t bytes = 0;
  std::uint64_t tasks = 0;
  std::optional<time_point> oldest;  ///< `first` of the oldest task
};

/// One file, one writer: a second program that opens the same file to write waits for its turn.
///
///     auto kept = history::open({.path = "/var/lib/lovage/web.db"}, deadline::in(5s)).value();
///     kept->add(events, deadline::in(5s));
///     auto page = kept->find({.states = {"FAILURE"}, .text = "timeout"}, task_order::newest, 50, {},
///     deadline::in(1s));
///
/// *Threads*: any. Readers do not wait for the writer. *Memory*: 10,000 records (the last that changed), four reading
/// connections of 16 MiB cache at most, and what a call returns. *On failure*: `unavailable` (cannot be opened,
/// damaged, not such a file), `no_space`, `timeout` (another process holds it), `invalid_argument` (a filter that
/// cannot be). *Guarantee*: a batch is kept whole or not at all.
class history {
 public:
  struct settings {
    std::string path;  ///< made when it is not there, with its folder
    now_fn now = system_now;
  };

  /// Errors: as above; `bad_config` for a file of a newer lovage.
  [[nodiscard]] static expected<std::unique_ptr<history>> open(settings with, deadline until);
  virtual ~history() = default;

  /// Folds the task events of this batch into their tasks and writes those; other events are passed over. The tasks
  /// that changed, each once, as they are now. Events may come late, twice, or out of order (`task_fold.hpp`).
  [[nodiscard]] virtual expected<std::vector<task_record>> add(std::span<wire::event const> events, deadline until) = 0;

  /// `limit` at most 1,000. `cursor`: empty for the first page, else `task_page::next` of the same filter and order.
  [[nodiscard]] virtual expected<task_page> find(task_filter const& which, task_order order, std::size_t limit,
                                                 std::string const& cursor, deadline until) = 0;
  /// Ids of all that match, newest first, at most `most`: for acting on *all matching*.
  [[nodiscard]] virtual expected<std::vector<std::string>> ids(task_filter const& which, std::size_t most,
                                                               deadline until) = 0;
  /// Whole. Nothing when it is not known.
  [[nodiscard]] virtual expected<std::optional<task_record>> task(std::string const& id, deadline until) = 0;
  /// Oldest first; the first 20 and the last 80 when there were more.
  [[nodiscard]] virtual expected<std::vector<task_step>> timeline(std::string const& id, deadline until) = 0;
  /// Those whose parent it is, oldest first, at most 1,000; cut as in a page.
  [[nodiscard]] virtual expected<std::vector<task_record>> children(std::string const& id, deadline until) = 0;
  /// All of the workflow that it belongs to: what has the same root, members of their groups and what those have;
  /// chords that nobody called from a task have a root for each member. Oldest first, at most 10,000; cut as in a page.
  /// Empty when it is not known.
  [[nodiscard]] virtual expected<std::vector<task_record>> workflow(std::string const& id, deadline until) = 0;
  /// Those with a failure since then, the most frequent first, at most 500.
  [[nodiscard]] virtual expected<std::vector<failure_group>> failures(time_point since, deadline until) = 0;
  /// Names of tasks, workers and queues that tasks of the history have; each sorted, at most 10,000.
  [[nodiscard]] virtual expected<std::vector<std::string>> names(deadline until) = 0;
  [[nodiscard]] virtual expected<std::vector<std::string>> workers(deadline until) = 0;
  [[nodiscard]] virtual expected<std::vector<std::string>> queues(deadline until) = 0;

  /// Minutes of figures; one that is there already is replaced.
  [[nodiscard]] virtual expected<void> add_minutes(std::span<minute const> what, deadline until) = 0;
  /// from <= begin < to, oldest first.
  [[nodiscard]] virtual expected<std::vector<minute>> minutes(time_point from, time_point to, deadline until) = 0;

  /// Workers as last seen; one that is there already is replaced. The 1,000 heard of last are kept, but none from
  /// before the retention's age.
  [[nodiscard]] virtual expected<void> keep_workers(std::span<worker_record const> what, deadline until) = 0;
  /// By name; their counts of events are those of one monitor's life, and are zero.
  [[nodiscard]] virtual expected<std::vector<worker_record>> seen_workers(deadline until) = 0;

  /// When a waiting task of the queue was first heard of; nothing when none waits or senders do not tell.
  [[nodiscard]] virtual expected<std::optional<time_point>> oldest_waiting(std::string const& queue,
                                                                           deadline until) = 0;

  /// Removes a small step of what is too much; true while there is more of it.
  [[nodiscard]] virtual expected<bool> prune(retention const& keep, deadline until) = 0;
  /// How many there were. Events that come later bring a task back.
  [[nodiscard]] virtual expected<std::size_t> remove(std::span<std::string const> ids, deadline until) = 0;
  /// Number removed, all matching.
  [[nodiscard]] virtual expected<std::size_t> remove(task_filter const& which, deadline until) = 0;
  [[nodiscard]] virtual expected<history_size> size(deadline until) = 0;

  /// The newest 100,000 are kept, whatever retention says.
  [[nodiscard]] virtual expected<void> note(audit_entry what, deadline until) = 0;
  /// Newest first.
  [[nodiscard]] virtual expected<std::vector<audit_entry>> audit(std::size_t limit, deadline until) = 0;
};

}  // namespace lovage::monitor
