// Workers as last seen: those that are gone are still shown after a restart.
#include "monitor/event_fields.hpp"
#include "monitor/history_file.hpp"

#include <sqlite3.h>

namespace lovage::monitor {
namespace {

constexpr std::int64_t most_seen = 1'000;

void bind_moment(store::statement& to, std::optional<time_point> const& t) {
  t ? to.bind(t->time_since_epoch().count()) : to.bind_null();
}

std::optional<time_point> moment_in(store::statement& from, int column) {
  if (from.is_null(column)) return std::nullopt;
  return time_point{std::chrono::microseconds{from.integer(column)}};
}

void put_worker(store::database& on, worker_record const& w) {
  auto put = on.prepare(
      "INSERT OR REPLACE INTO seen_worker(name, heard, since, heartbeat, pid, interval, processed, software, version, "
      "system) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  put.bind(std::string_view{w.name});
  bind_moment(put, w.heard), bind_moment(put, w.since), bind_moment(put, w.heartbeat);
  w.pid ? put.bind(*w.pid) : put.bind_null();
  put.bind_real(w.interval).bind(w.processed);
  for (auto const* text : {&w.software, &w.version, &w.system}) put.bind(std::string_view{*text});
  put.run();
}

worker_record read_worker(store::statement& from) {
  worker_record w;
  w.name = from.text(0);
  w.state = worker_state::offline;
  w.heard = moment_in(from, 1).value_or(time_point{});
  w.since = moment_in(from, 2).value_or(time_point{});
  w.heartbeat = moment_in(from, 3);
  if (!from.is_null(4)) w.pid = from.integer(4);
  w.interval = sqlite3_column_double(from.raw(), 5);
  w.processed = from.integer(6);
  w.software = from.text(7), w.version = from.text(8), w.system = from.text(9);
  return w;
}

}  // namespace

expected<void> history_file::keep_workers(std::span<worker_record const> what, deadline until) {
  if (what.empty()) return {};
  return write(until, [&] {
    store::transaction all{file_};
    for (auto const& w : what) put_worker(file_, w);
    file_
        .prepare("DELETE FROM seen_worker WHERE name NOT IN (SELECT name FROM seen_worker ORDER BY heard DESC LIMIT ?)")
        .bind(most_seen)
        .run();
    all.commit();
  });
}

expected<std::vector<worker_record>> history_file::seen_workers(deadline until) {
  return read(until, [](reader& r) {
    std::vector<worker_record> out;
    auto ask = r.on.prepare(
        "SELECT name, heard, since, heartbeat, pid, interval, processed, software, version, system FROM seen_worker "
        "ORDER BY name");
    while (ask.step()) out.push_back(read_worker(ask));
    return out;
  });
}

}  // namespace lovage::monitor
