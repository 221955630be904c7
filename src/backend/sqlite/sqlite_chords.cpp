#include "backend/sqlite/sqlite_chords.hpp"

#include "wire/serializer.hpp"

#include <limits>

namespace lovage::backend {
namespace {

using store::statement;

std::string written(value const& v) {
  auto text = wire::to_json(v);
  if (!text) throw store::sql_failure{text.error()};
  return *std::move(text);
}

value parsed(std::string_view text) {
  auto v = wire::from_json(text);
  if (!v) throw store::sql_failure{v.error()};
  return *std::move(v);
}

statement& bind_end(statement& to, std::int64_t end) { return end > 0 ? to.bind(end) : to.bind_null(); }

constexpr auto no_place = std::numeric_limits<std::int64_t>::max();

// As the size of a chord: it is over.
constexpr std::int64_t over = -1;

}  // namespace

void sqlite_chords::start(std::span<chord_start const> chords, std::int64_t end) {
  for (auto const& c : chords) {
    auto const body = c.body.is_null() ? std::string{} : written(c.body);
    auto row = db_.prepare(
        "INSERT INTO chord(group_id, size, body, expires) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT(group_id) DO UPDATE SET size = ?2, body = coalesce(?3, body), expires = ?4 WHERE size IS NOT ?5");
    row.bind(std::string_view{c.group}).bind(c.size);
    if (body.empty()) {
      row.bind_null();
    } else {
      row.bind_blob(body);
    }
    bind_end(row, end).bind(over).run();
  }
}

bool sqlite_chords::is_over(std::string const& group) {
  auto row = db_.prepare("SELECT 1 FROM chord WHERE group_id = ? AND size = ?");
  return row.bind(std::string_view{group}).bind(over).step();
}

void sqlite_chords::count_one(chord_part const& part, std::int64_t end, std::int64_t now) {
  auto const result = written(part.result);
  auto row = db_.prepare(
      "INSERT OR IGNORE INTO chord_part(group_id, task_id, position, status, result) "
      "VALUES (?, ?, ?, ?, ?)");
  row.bind(std::string_view{part.group}).bind(std::string_view{part.id.str()}).bind(part.index.value_or(no_place));
  row.bind(std::string_view{part.status}).bind_blob(result).run();
  auto const added = db_.changes();
  auto chord = db_.prepare(
      "INSERT INTO chord(group_id, counted, expires) VALUES (?1, ?2, ?3) "
      "ON CONFLICT(group_id) DO UPDATE SET counted = counted + ?2, expires = iif(size IS NULL, ?3, ?4)");
  auto const stray_end = end > 0 ? end : now + std::chrono::microseconds{stray_parts}.count();
  chord.bind(std::string_view{part.group}).bind(added).bind(stray_end);
  bind_end(chord, end).run();
}

bool sqlite_chords::take_claim(std::string const& group, value const& body, std::int64_t now) {
  auto const text = body.is_null() ? std::string{} : written(body);
  auto row = db_.prepare(
      "UPDATE chord SET claimed_until = ?2, body = coalesce(body, ?3) WHERE group_id = ?1 AND counted >= size "
      "AND (claimed_until IS NULL OR claimed_until <= ?4)");
  row.bind(std::string_view{group}).bind(now + std::chrono::microseconds{chord_claim}.count());
  if (text.empty()) {
    row.bind_null();
  } else {
    row.bind_blob(text);
  }
  row.bind(now).run();
  return db_.changes() > 0;
}

chord_end sqlite_chords::read(std::string const& group) {
  chord_end out{group, {}, body(group), std::nullopt};
  auto rows =
      db_.prepare("SELECT task_id, position, status, result FROM chord_part WHERE group_id = ? ORDER BY position");
  rows.bind(std::string_view{group});
  while (rows.step()) {
    auto const place = rows.integer(1);
    out.parts.push_back({group, place == no_place ? std::nullopt : std::optional{place},
                         task_id{std::string{rows.text(0)}}, std::string{rows.text(2)}, parsed(rows.blob(3))});
  }
  return out;
}

std::vector<chord_end> sqlite_chords::count(std::span<chord_part const> parts, std::span<value const> bodies,
                                            std::int64_t end, std::int64_t now) {
  std::vector<chord_end> out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (is_over(parts[i].group)) continue;
    count_one(parts[i], end, now);
    if (!take_claim(parts[i].group, bodies[i], now)) continue;
    out.push_back(read(parts[i].group));
    out.back().by = i;
  }
  return out;
}

void sqlite_chords::end(std::span<std::string const> groups, std::int64_t now) {
  for (auto const& g : groups) {
    forget_chord(g);
    auto row = db_.prepare("INSERT INTO chord(group_id, size, expires) VALUES (?, ?, ?)");
    row.bind(std::string_view{g}).bind(over).bind(now + std::chrono::microseconds{chord_over}.count()).run();
  }
}

void sqlite_chords::forget_chord(std::string const& group) {
  db_.prepare("DELETE FROM chord_part WHERE group_id = ?").bind(std::string_view{group}).run();
  db_.prepare("DELETE FROM chord_growth WHERE group_id = ?").bind(std::string_view{group}).run();
  db_.prepare("DELETE FROM chord WHERE group_id = ?").bind(std::string_view{group}).run();
}

std::vector<chord_end> sqlite_chords::claim(std::size_t limit, std::int64_t now) {
  std::vector<std::string> groups;
  auto rows = db_.prepare("SELECT group_id FROM chord WHERE claimed_until <= ? LIMIT ?");
  rows.bind(now).bind(static_cast<std::int64_t>(limit));
  while (rows.step()) groups.emplace_back(rows.text(0));
  std::vector<chord_end> out;
  for (auto const& g : groups)
    if (take_claim(g, {}, now)) out.push_back(read(g));
  return out;
}

void sqlite_chords::grow(std::string const& group, std::span<task_id const> added) {
  std::int64_t by = 0;
  for (auto const& id : added) {
    auto row = db_.prepare(
        "INSERT OR IGNORE INTO chord_growth(group_id, task_id) SELECT ?1, ?2 WHERE EXISTS "
        "(SELECT 1 FROM chord WHERE group_id = ?1 AND size >= 0)");
    row.bind(std::string_view{group}).bind(std::string_view{id.str()}).run();
    by += db_.changes();
  }
  auto row = db_.prepare("UPDATE chord SET size = size + ? WHERE group_id = ? AND size >= 0");
  row.bind(by).bind(std::string_view{group}).run();
}

value sqlite_chords::body(std::string const& group) {
  auto row = db_.prepare("SELECT body FROM chord WHERE group_id = ?");
  row.bind(std::string_view{group});
  return row.step() && !row.is_null(0) ? parsed(row.blob(0)) : value{};
}

void sqlite_chords::store(wire::result_tuple const& group, std::int64_t end) {
  auto const record = wire::encode_group(group);
  if (!record) throw store::sql_failure{record.error()};
  auto row = db_.prepare("INSERT OR REPLACE INTO saved_group(group_id, record, expires) VALUES (?, ?, ?)");
  row.bind(std::string_view{group.id}).bind_blob(*record);
  bind_end(row, end).run();
}

std::optional<wire::result_tuple> sqlite_chords::fetch(std::string const& id, std::int64_t now) {
  auto row = db_.prepare("SELECT record FROM saved_group WHERE group_id = ? AND (expires IS NULL OR expires > ?)");
  row.bind(std::string_view{id}).bind(now);
  if (!row.step()) return std::nullopt;
  auto group = wire::decode_group(row.blob(0));
  if (!group) throw store::sql_failure{group.error()};
  return *std::move(group);
}

void sqlite_chords::forget(std::string const& id) {
  db_.prepare("DELETE FROM saved_group WHERE group_id = ?").bind(std::string_view{id}).run();
}

std::uint64_t sqlite_chords::cleanup(std::int64_t now) {
  std::vector<std::string> ended;
  {
    auto rows = db_.prepare("SELECT group_id FROM chord WHERE expires <= ? LIMIT 1000");
    rows.bind(now);
    while (rows.step()) ended.emplace_back(rows.text(0));
  }
  for (auto const& g : ended) forget_chord(g);
  db_.prepare("DELETE FROM saved_group WHERE expires <= ?").bind(now).run();
  return ended.size() + static_cast<std::uint64_t>(db_.changes());
}

}  // namespace lovage::backend
