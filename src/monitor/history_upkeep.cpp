// What keeps the history's file small, and what is in it beside tasks.
#include "monitor/event_fields.hpp"
#include "monitor/history_file.hpp"
#include "wire/serializer.hpp"

#include <algorithm>
#include <filesystem>

namespace lovage::monitor {
namespace {

constexpr std::int64_t pruned_at_once = 200, pages_at_once = 500, most_audit = 100'000;
constexpr std::size_t audit_limit = 512;

std::int64_t micros_of(time_point t) { return t.time_since_epoch().count(); }
time_point moment_at(std::int64_t micros) { return time_point{std::chrono::microseconds{micros}}; }

std::string text_of_backlog(std::map<std::string, std::uint64_t> const& backlog) {
  value::map out;
  for (auto const& [queue, n] : backlog) out.push_back({clean_text(queue, task_record::name_limit), n});
  return wire::to_json(value{std::move(out)}).value_or("{}");
}

std::map<std::string, std::uint64_t> backlog_of(std::string_view text) {
  std::map<std::string, std::uint64_t> out;
  auto const read = wire::from_json(text);
  auto const* members = read ? read->get_if<value::map>() : nullptr;
  if (members == nullptr) return out;
  for (auto const& [queue, n] : *members)
    if (auto const* number = n.get_if<std::int64_t>()) out[queue] = static_cast<std::uint64_t>(*number);
  return out;
}

std::uint64_t file_bytes(std::string const& path) {
  std::error_code none;
  auto const n = std::filesystem::file_size(path, none);
  return none ? 0 : n;
}

}  // namespace

expected<void> history_file::add_minutes(std::span<minute const> what, deadline until) {
  return write(until, [&] {
    store::transaction all{file_};
    for (auto const& m : what) {
      std::string const run = m.took.run.packed(), wait = m.took.wait.packed(), queue = m.took.queue.packed();
      auto const backlog = text_of_backlog(m.backlog);
      auto put = file_.prepare(
          "INSERT OR REPLACE INTO minute(begin, sent, received, started, succeeded, failed, retried, revoked, "
          "rejected, "
          "run, wait, queue, backlog) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
      put.bind(micros_of(m.begin));
      for (auto const n :
           {m.n.sent, m.n.received, m.n.started, m.n.succeeded, m.n.failed, m.n.retried, m.n.revoked, m.n.rejected})
        put.bind(static_cast<std::int64_t>(n));
      put.bind_blob(run).bind_blob(wait).bind_blob(queue).bind(std::string_view{backlog}).run();
    }
    all.commit();
  });
}

expected<std::vector<minute>> history_file::minutes(time_point from, time_point to, deadline until) {
  return read(until, [&](reader& r) {
    std::vector<minute> out;
    auto ask = r.on.prepare(
        "SELECT begin, sent, received, started, succeeded, failed, retried, revoked, rejected, run, wait, queue, "
        "backlog "
        "FROM minute WHERE begin >= ? AND begin < ? ORDER BY begin");
    ask.bind(micros_of(from)).bind(micros_of(to));
    while (ask.step()) {
      minute m;
      m.begin = moment_at(ask.integer(0));
      int column = 1;
      for (auto* n : {&m.n.sent, &m.n.received, &m.n.started, &m.n.succeeded, &m.n.failed, &m.n.retried, &m.n.revoked,
                      &m.n.rejected})
        *n = static_cast<std::uint64_t>(ask.integer(column++));
      for (auto* d : {&m.took.run, &m.took.wait, &m.took.queue}) *d = distribution::unpacked(ask.blob(column++));
      m.backlog = backlog_of(ask.text(column));
      out.push_back(std::move(m));
    }
    return out;
  });
}

std::int64_t history_file::ask_writer(char const* sql) {
  auto ask = file_.prepare(sql);
  return ask.step() ? ask.integer(0) : 0;
}

std::size_t history_file::remove_rows(std::vector<std::int64_t> const& rows) {
  store::transaction all{file_};
  writer_.remove(rows);
  all.commit();
  words_unused_ = words_unused_ || !rows.empty();
  return rows.size();
}

expected<bool> history_file::prune(retention const& keep, deadline until) {
  return write(until, [&] {
    auto const rows_before = [&](std::int64_t bound) {
      std::vector<std::int64_t> rows;
      auto ask = file_.prepare("SELECT seq FROM task INDEXED BY by_first WHERE first < ? ORDER BY first LIMIT ?");
      ask.bind(bound).bind(pruned_at_once);
      while (ask.step()) rows.push_back(ask.integer(0));
      return rows;
    };
    if (keep.age.count() > 0) {
      auto const oldest = with_.now() - keep.age;
      file_.prepare("DELETE FROM minute WHERE begin < ?").bind(micros_of(oldest)).run();
      file_.prepare("DELETE FROM seen_worker WHERE heard < ?").bind(micros_of(oldest)).run();
      if (remove_rows(rows_before(first_key(oldest))) > 0) return true;
    }
    auto const page = ask_writer("PRAGMA page_size");
    auto const unused = ask_writer("PRAGMA freelist_count");
    auto const used = static_cast<std::uint64_t>((ask_writer("PRAGMA page_count") - unused) * page);
    if (keep.bytes > 0 && used > keep.bytes && remove_rows(rows_before(first_key(with_.now()))) > 0) return true;
    if (words_unused_) {
      writer_.remove_unused_words();
      words_unused_ = false;
      return true;
    }
    if (unused <= 2 * pages_at_once) return false;
    file_.exec(("PRAGMA incremental_vacuum(" + std::to_string(pages_at_once) + ")").c_str());
    return true;
  });
}

expected<history_size> history_file::size(deadline until) {
  return read(until, [&](reader& r) {
    history_size out;
    out.path = with_.path;
    out.bytes = file_bytes(with_.path) + file_bytes(with_.path + "-wal");
    auto count = r.on.prepare("SELECT count(*) FROM task");
    if (count.step()) out.tasks = static_cast<std::uint64_t>(count.integer(0));
    auto first = r.on.prepare("SELECT first FROM task INDEXED BY by_first ORDER BY first LIMIT 1");
    if (first.step()) out.oldest = first_of(first.integer(0));
    return out;
  });
}

expected<void> history_file::note(audit_entry what, deadline until) {
  return write(until, [&] {
    store::transaction all{file_};
    for (auto* text : {&what.user, &what.action, &what.target, &what.outcome}) *text = clean_text(*text, audit_limit);
    auto put = file_.prepare("INSERT INTO audit(at, user, action, target, outcome) VALUES(?, ?, ?, ?, ?)");
    put.bind(micros_of(what.at));
    for (auto const* text : {&what.user, &what.action, &what.target, &what.outcome}) put.bind(std::string_view{*text});
    put.run();
    file_.prepare("DELETE FROM audit WHERE id <= ?").bind(file_.last_id() - most_audit).run();
    all.commit();
  });
}

expected<std::vector<audit_entry>> history_file::audit(std::size_t limit, deadline until) {
  return read(until, [&](reader& r) {
    std::vector<audit_entry> out;
    auto ask = r.on.prepare("SELECT at, user, action, target, outcome FROM audit ORDER BY id DESC LIMIT ?");
    ask.bind(static_cast<std::int64_t>(std::min<std::size_t>(limit, 10'000)));
    while (ask.step())
      out.push_back({moment_at(ask.integer(0)), std::string{ask.text(1)}, std::string{ask.text(2)},
                     std::string{ask.text(3)}, std::string{ask.text(4)}});
    return out;
  });
}

}  // namespace lovage::monitor
