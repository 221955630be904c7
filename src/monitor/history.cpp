#include "monitor/history.hpp"

#include "monitor/history_file.hpp"
#include "monitor/history_writer.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace lovage::monitor {

std::optional<task_order> task_order_of(std::string_view word) noexcept {
  constexpr std::pair<std::string_view, task_order> all[] = {{"-received", task_order::newest},
                                                             {"received", task_order::oldest},
                                                             {"-runtime", task_order::slowest},
                                                             {"runtime", task_order::fastest},
                                                             {"name", task_order::by_name}};
  for (auto const& [text, order] : all)
    if (text == word) return order;
  return std::nullopt;
}

expected<std::unique_ptr<history>> history::open(settings with, deadline until) {
  return store::attempt(
      [&]() -> std::unique_ptr<history> { return std::make_unique<history_file>(std::move(with), until); });
}

namespace {

store::database::options as_history() {
  store::database::options out;
  out.autocheckpoint = 4'096;
  return out;
}

// Asked now and then while a statement runs.
int is_over(void* limit) { return static_cast<deadline*>(limit)->passed() ? 1 : 0; }

std::string with_folder(std::string path) {
  auto const folder = std::filesystem::path{path}.parent_path();
  std::error_code ignored;  // opening tells better
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  return path;
}

}  // namespace

history_file::reader::reader(std::string const& path, deadline until)
    : on{path, as_history(), until}, words{on, false} {
  tune_history(on, 16'384);
  on.exec("PRAGMA query_only=ON");
  sqlite3_progress_handler(on.raw(), 20'000, &is_over, &limit);
}

history_file::history_file(settings with, deadline until)
    : with_{std::move(with)}, file_{with_folder(with_.path), as_history(), until}, writer_{file_, with_.now} {
  prepare_history(file_);
  tune_history(file_, 32'768);
}

history_file::~history_file() = default;

history_file::borrowed history_file::borrow(deadline until) {
  std::unique_lock lock{readers_mutex_};
  auto const free = [&] { return !idle_.empty() || made_ < most_readers; };
  bool const got =
      until.is_never()
          ? (readers_free_.wait(lock, free), true)
          : readers_free_.wait_until(lock, std::min(until.when(), deadline::in(std::chrono::hours{1}).when()), free);
  if (!got) throw store::sql_failure{{errc::timeout, "too many searches at once; try again", with_.path}};
  std::unique_ptr<reader> one;
  if (!idle_.empty()) {
    one = std::move(idle_.back());
    idle_.pop_back();
  } else {
    ++made_;
    lock.unlock();
    try {
      one = std::make_unique<reader>(with_.path, until);
    } catch (...) {
      give_back(nullptr);
      throw;
    }
  }
  one->limit = until;
  one->on.set_deadline(until);
  return borrowed{*this, std::move(one)};
}

void history_file::give_back(std::unique_ptr<reader> one) {
  {
    std::lock_guard const lock{readers_mutex_};
    if (one)
      idle_.push_back(std::move(one));
    else
      --made_;
  }
  readers_free_.notify_one();
}

expected<std::vector<task_record>> history_file::add(std::span<wire::event const> events, deadline until) {
  return write(until, [&] { return writer_.add(events); });
}

expected<task_page> history_file::find(task_filter const& which, task_order order, std::size_t limit,
                                       std::string const& cursor, deadline until) {
  return flat(read(until, [&](reader& r) { return history_search{r.on, r.words}.find(which, order, limit, cursor); }));
}

expected<std::vector<std::string>> history_file::ids(task_filter const& which, std::size_t most, deadline until) {
  return flat(read(until, [&](reader& r) -> expected<std::vector<std::string>> {
    auto const rows = history_search{r.on, r.words}.rows(which, most);
    if (!rows) return fail(rows.error());
    std::vector<std::string> out;
    for (auto const row : *rows) {
      auto ask = r.on.prepare("SELECT id FROM task WHERE seq = ?");
      ask.bind(row);
      if (ask.step()) out.push_back(id_of(ask.blob(0)));
    }
    return out;
  }));
}

expected<std::size_t> history_file::remove(std::span<std::string const> ids, deadline until) {
  return write(until, [&] {
    store::transaction all{file_};
    std::vector<std::int64_t> rows;
    for (auto const& id : ids) {
      auto const key = key_of(id);
      auto ask = file_.prepare("SELECT seq FROM task WHERE id = ?");
      ask.bind_blob(key);
      if (ask.step()) rows.push_back(ask.integer(0));
    }
    writer_.remove(rows);
    all.commit();
    return rows.size();
  });
}

// In steps, so that events are written in between.
expected<std::size_t> history_file::remove(task_filter const& which, deadline until) {
  std::size_t removed = 0;
  for (;;) {
    auto some = ids(which, 500, until);
    if (!some) return fail(some.error());
    if (some->empty()) return removed;
    auto const n = remove(*some, until);
    if (!n) return fail(n.error());
    removed += *n;
  }
}

}  // namespace lovage::monitor
