// The history in its file: one writing connection, and reading ones as they are needed.
#pragma once

#include "monitor/history.hpp"
#include "monitor/history_search.hpp"
#include "monitor/history_writer.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

namespace lovage::monitor {

class history_file final : public history {
 public:
  history_file(settings with, deadline until);
  ~history_file() override;

  expected<std::vector<task_record>> add(std::span<wire::event const> events, deadline until) override;
  expected<task_page> find(task_filter const& which, task_order order, std::size_t limit, std::string const& cursor,
                           deadline until) override;
  expected<std::vector<std::string>> ids(task_filter const& which, std::size_t most, deadline until) override;
  expected<std::optional<task_record>> task(std::string const& id, deadline until) override;
  expected<std::vector<task_step>> timeline(std::string const& id, deadline until) override;
  expected<std::vector<task_record>> children(std::string const& id, deadline until) override;
  expected<std::vector<task_record>> workflow(std::string const& id, deadline until) override;
  expected<std::vector<failure_group>> failures(time_point since, deadline until) override;
  expected<std::vector<std::string>> names(deadline until) override;
  expected<std::vector<std::string>> workers(deadline until) override;
  expected<std::vector<std::string>> queues(deadline until) override;
  expected<void> add_minutes(std::span<minute const> what, deadline until) override;
  expected<std::vector<minute>> minutes(time_point from, time_point to, deadline until) override;
  expected<void> keep_workers(std::span<worker_record const> what, deadline until) override;
  expected<std::vector<worker_record>> seen_workers(deadline until) override;
  expected<std::optional<time_point>> oldest_waiting(std::string const& queue, deadline until) override;
  expected<bool> prune(retention const& keep, deadline until) override;
  expected<std::size_t> remove(std::span<std::string const> ids, deadline until) override;
  expected<std::size_t> remove(task_filter const& which, deadline until) override;
  expected<history_size> size(deadline until) override;
  expected<void> note(audit_entry what, deadline until) override;
  expected<std::vector<audit_entry>> audit(std::size_t limit, deadline until) override;

 private:
  static constexpr std::size_t most_readers = 4;

  struct reader {
    reader(std::string const& path, deadline until);
    store::database on;
    word_book words;
    deadline limit = deadline::never();
  };
  /// Goes back when it is not used any more.
  class borrowed {
   public:
    borrowed(history_file& to, std::unique_ptr<reader> one) : to_{to}, one_{std::move(one)} {}
    ~borrowed() { to_.give_back(std::move(one_)); }
    borrowed(borrowed const&) = delete;
    borrowed& operator=(borrowed const&) = delete;
    reader& operator*() const { return *one_; }

   private:
    history_file& to_;
    std::unique_ptr<reader> one_;
  };

  borrowed borrow(deadline until);
  void give_back(std::unique_ptr<reader> one);

  template <class T>
  static expected<T> flat(expected<expected<T>> e) {
    if (!e) return fail(e.error());
    return *std::move(e);
  }
  /// One state of the file, from the first statement to the last.
  template <class F>
  auto read(deadline until, F&& work) {
    return store::attempt([&] {
      auto const one = borrow(until);
      (*one).on.exec("BEGIN");
      struct ending {
        store::database& on;
        ~ending() {
          (void)store::attempt([this] { on.exec("ROLLBACK"); });
        }
      } const end{(*one).on};
      return work(*one);
    });
  }
  template <class F>
  auto write(deadline until, F&& work) {
    return store::attempt([&] {
      std::lock_guard const lock{write_mutex_};
      file_.set_deadline(until);
      try {
        return work();
      } catch (...) {
        writer_.forget();
        throw;
      }
    });
  }
  static std::vector<task_record> list(reader& r, char const* sql, std::string const& key, std::int64_t most);
  static std::optional<task_record> row(reader& r, std::int64_t seq, std::size_t limit);
  static std::optional<std::int64_t> row_of(reader& r, std::string const& id);
  std::size_t remove_rows(std::vector<std::int64_t> const& rows);
  [[nodiscard]] std::int64_t ask_writer(char const* sql);

  settings const with_;
  std::mutex write_mutex_;  // guards file_ and writer_
  store::database file_;
  history_writer writer_;
  bool words_unused_ = false;

  std::mutex readers_mutex_;  // guards what follows
  std::condition_variable readers_free_;
  std::vector<std::unique_ptr<reader>> idle_;
  std::size_t made_ = 0;
};

}  // namespace lovage::monitor
