#include "backend/sql_chords.hpp"

#include "backend/result_backend.hpp"
#include "backend/sql_rows.hpp"
#include "wire/serializer.hpp"

#include <limits>
#include <map>

namespace lovage::backend {
namespace {

using sql::cell;
using sql::dialect;

constexpr auto last_place = std::numeric_limits<std::int64_t>::max();

// As the size of a chord: it is over.
constexpr std::int64_t size_when_over = -1;

std::int64_t chord_us(time_point t) { return t.time_since_epoch().count(); }

cell end_cell(std::optional<time_point> end) { return end ? cell{chord_us(*end)} : cell{}; }

expected<cell> json_cell(value const& v) {
  if (v.is_null()) return cell{};
  auto text = wire::to_json(v);
  if (!text) return fail(text.error());
  return cell{*std::move(text)};
}

expected<value> json_of(cell const& c) {
  auto const* text = std::get_if<std::string>(&c);
  return text == nullptr ? expected<value>{value{}} : wire::from_json(*text);
}

std::string const& text_of(cell const& c) { return std::get<std::string>(c); }

std::string chord_tables(dialect d, std::string const& schema) {
  std::string const text = d == dialect::mysql ? "LONGTEXT" : "TEXT";
  std::string const end = d == dialect::mysql ? ") CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;" : ");";
  auto const index = [&](std::string const& name, std::string const& column) {
    if (d == dialect::mysql) return ", INDEX " + name + " (" + column + ")";
    return std::string{};
  };
  std::string out =
      "CREATE TABLE IF NOT EXISTS " + schema +
      "lovage_chord (group_id VARCHAR(255) NOT NULL PRIMARY KEY, size BIGINT, counted BIGINT NOT NULL, body " + text +
      ", claimed_until BIGINT, ends BIGINT" + index("lovage_chord_claimed", "claimed_until") +
      index("lovage_chord_ends", "ends") + end;
  out += "CREATE TABLE IF NOT EXISTS " + schema +
         "lovage_chord_part (group_id VARCHAR(255) NOT NULL, task_id VARCHAR(255) NOT NULL, place BIGINT NOT NULL, "
         "status VARCHAR(50) NOT NULL, result " +
         text + ", PRIMARY KEY (group_id, task_id)" + end;
  out += "CREATE TABLE IF NOT EXISTS " + schema +
         "lovage_chord_growth (group_id VARCHAR(255) NOT NULL, task_id VARCHAR(255) NOT NULL, "
         "PRIMARY KEY (group_id, task_id)" +
         end;
  if (d != dialect::mysql)
    out += "CREATE INDEX IF NOT EXISTS lovage_chord_claimed ON " + schema + "lovage_chord (claimed_until);" +
           "CREATE INDEX IF NOT EXISTS lovage_chord_ends ON " + schema + "lovage_chord (ends);";
  return out;
}

}  // namespace

// `size` null: parts came before the chord was started; `claimed_until` null: parts are missing; `ends` null: never.
sql_chords::sql_chords(dialect d, std::string const& schema)
    : chord_{schema + "lovage_chord"},
      part_{schema + "lovage_chord_part"},
      growth_{schema + "lovage_chord_growth"},
      ddl_{chord_tables(d, schema)},
      insert_chord_{
          insert_new(d, chord_, std::vector<std::string>{"group_id", "size", "counted", "body", "ends"}, "group_id")},
      insert_part_{insert_new(d, part_, std::vector<std::string>{"group_id", "task_id", "place", "status", "result"},
                              "group_id, task_id")},
      insert_growth_{insert_new(d, growth_, std::vector<std::string>{"group_id", "task_id"}, "group_id, task_id")},
      lock_{d == dialect::sqlite ? "" : " FOR UPDATE"} {}

expected<void> sql_chords::start(sql::session& on, std::span<chord_start const> chords, end_time end,
                                 deadline until) const {
  std::vector<sql::row> fresh, known;
  for (auto const& c : chords) {
    auto body = json_cell(c.body);
    if (!body) return fail(body.error());
    fresh.push_back({c.group, c.size, std::int64_t{0}, *body, end_cell(end)});
    known.push_back({c.size, *body, end_cell(end), c.group, size_when_over});
  }
  auto const added = on.run_each(insert_chord_, fresh, until);
  if (!added) return fail(added.error());
  if (*added == fresh.size()) return {};
  // What has grown meanwhile stays grown.
  auto const done = on.run_each(
      "UPDATE " + chord_ + " SET size = ? + (SELECT count(*) FROM " + growth_ + " g WHERE g.group_id = " + chord_ +
          ".group_id), body = COALESCE(?, body), ends = ? WHERE group_id = ? AND (size IS NULL OR size <> ?)",
      known, until);
  return done ? expected<void>{} : fail(done.error());
}

expected<sql_chords::standing> sql_chords::add(sql::session& on, std::string const& group,
                                               std::vector<sql::row> const& parts, end_time end, time_point now,
                                               deadline until) const {
  auto const stray_end = end.value_or(now + stray_parts);
  sql::row const stray{group, cell{}, std::int64_t{0}, cell{}, chord_us(stray_end)};
  if (auto made = on.run(insert_chord_, stray, until); !made) return fail(made.error());
  auto const row =
      on.run("SELECT size, counted FROM " + chord_ + " WHERE group_id = ?" + lock_, sql::row{group}, until);
  if (!row) return fail(row.error());
  if (row->rows.empty()) return fail(errc::conflict, "a chord was removed while its parts were counted", group);
  auto const* size = std::get_if<std::int64_t>(&row->rows[0][0]);
  if (size != nullptr && *size == size_when_over) return standing{true, false};
  auto const added = on.run_each(insert_part_, parts, until);
  if (!added) return fail(added.error());
  auto const counted = std::get<std::int64_t>(row->rows[0][1]) + static_cast<std::int64_t>(*added);
  auto const done =
      on.run("UPDATE " + chord_ + " SET counted = ?, ends = ? WHERE group_id = ?",
             sql::row{counted, size == nullptr ? cell{chord_us(stray_end)} : end_cell(end), group}, until);
  if (!done) return fail(done.error());
  return standing{false, size != nullptr && counted >= *size};
}

expected<bool> sql_chords::take_claim(sql::session& on, std::string const& group, value const& body, time_point now,
                                      deadline until) const {
  auto text = json_cell(body);
  if (!text) return fail(text.error());
  auto const done =
      on.run("UPDATE " + chord_ +
                 " SET claimed_until = ?, body = COALESCE(body, ?) WHERE group_id = ? AND counted >= size "
                 "AND size >= 0 AND (claimed_until IS NULL OR claimed_until <= ?)",
             sql::row{chord_us(now + chord_claim), *std::move(text), group, chord_us(now)}, until);
  if (!done) return fail(done.error());
  return done->changed > 0;
}

expected<chord_end> sql_chords::read(sql::session& on, std::string const& group, deadline until) const {
  auto kept = body(on, group, until);
  if (!kept) return fail(kept.error());
  chord_end out{group, {}, *std::move(kept), std::nullopt};
  auto const parts =
      on.run("SELECT task_id, place, status, result FROM " + part_ + " WHERE group_id = ? ORDER BY place",
             sql::row{group}, until);
  if (!parts) return fail(parts.error());
  for (auto const& p : parts->rows) {
    auto result = json_of(p[3]);
    if (!result) return fail(result.error());
    auto const place = std::get<std::int64_t>(p[1]);
    out.parts.push_back({group, place == last_place ? std::nullopt : std::optional{place}, task_id{text_of(p[0])},
                         text_of(p[2]), *std::move(result)});
  }
  return out;
}

// One group after the other, in one order everywhere: two who count wait for each other and not in a circle.
expected<std::vector<chord_end>> sql_chords::count(sql::session& on, std::span<chord_part const> parts,
                                                   std::span<value const> bodies, end_time end, time_point now,
                                                   deadline until) const {
  struct told {
    std::vector<sql::row> rows;
    std::size_t last = 0;
  };
  std::map<std::string, told> groups;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto const& p = parts[i];
    auto result = json_cell(p.result);
    if (!result) return fail(result.error());
    auto& g = groups[p.group];
    g.rows.push_back({p.group, p.id.str(), p.index.value_or(last_place), p.status, *std::move(result)});
    g.last = i;
  }
  std::vector<chord_end> out;
  for (auto const& [group, of] : groups) {
    auto const stands = add(on, group, of.rows, end, now, until);
    if (!stands) return fail(stands.error());
    if (!stands->is_complete) continue;
    auto const mine = take_claim(on, group, bodies[of.last], now, until);
    if (!mine) return fail(mine.error());
    if (!*mine) continue;
    auto ended = read(on, group, until);
    if (!ended) return fail(ended.error());
    out.push_back(*std::move(ended));
    out.back().by = of.last;
  }
  std::sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return a.by < b.by; });
  return out;
}

expected<bool> sql_chords::knows(sql::session& on, chord_part const& part, deadline until) const {
  auto const row = on.run("SELECT 1 FROM " + part_ + " WHERE group_id = ? AND task_id = ?",
                          sql::row{part.group, part.id.str()}, until);
  if (!row) return fail(row.error());
  return !row->rows.empty();
}

expected<void> sql_chords::forget(sql::session& on, std::string const& group, deadline until) const {
  for (auto const& table : {chord_, part_, growth_})
    if (auto done = on.run("DELETE FROM " + table + " WHERE group_id = ?", sql::row{group}, until); !done)
      return fail(done.error());
  return {};
}

expected<void> sql_chords::end(sql::session& on, std::span<std::string const> groups, time_point now,
                               deadline until) const {
  for (auto const& g : groups) {
    if (auto done = forget(on, g, until); !done) return done;
    sql::row const over{g, size_when_over, std::int64_t{0}, cell{}, chord_us(now + chord_over)};
    if (auto done = on.run(insert_chord_, over, until); !done) return fail(done.error());
  }
  return {};
}

expected<std::vector<chord_end>> sql_chords::claim(sql::session& on, std::size_t limit, time_point now,
                                                   deadline until) const {
  auto const found = on.run(
      "SELECT group_id FROM " + chord_ + " WHERE claimed_until <= ? ORDER BY group_id LIMIT " + std::to_string(limit),
      sql::row{chord_us(now)}, until);
  if (!found) return fail(found.error());
  std::vector<chord_end> out;
  for (auto const& r : found->rows) {
    auto const mine = take_claim(on, text_of(r[0]), {}, now, until);
    if (!mine) return fail(mine.error());
    if (!*mine) continue;
    auto ended = read(on, text_of(r[0]), until);
    if (!ended) return fail(ended.error());
    out.push_back(*std::move(ended));
  }
  return out;
}

expected<void> sql_chords::grow(sql::session& on, std::string const& group, std::span<task_id const> added,
                                deadline until) const {
  auto const row = on.run("SELECT size FROM " + chord_ + " WHERE group_id = ?" + lock_, sql::row{group}, until);
  if (!row) return fail(row.error());
  auto const* size = row->rows.empty() ? nullptr : std::get_if<std::int64_t>(&row->rows[0][0]);
  if (size == nullptr || *size == size_when_over) return {};
  std::vector<sql::row> ids;
  for (auto const& id : added) ids.push_back({group, id.str()});
  auto const by = on.run_each(insert_growth_, ids, until);
  if (!by) return fail(by.error());
  auto const done = on.run("UPDATE " + chord_ + " SET size = size + ? WHERE group_id = ?",
                           sql::row{static_cast<std::int64_t>(*by), group}, until);
  return done ? expected<void>{} : fail(done.error());
}

expected<value> sql_chords::body(sql::session& on, std::string const& group, deadline until) const {
  auto const row = on.run("SELECT body FROM " + chord_ + " WHERE group_id = ?", sql::row{group}, until);
  if (!row) return fail(row.error());
  return row->rows.empty() ? expected<value>{value{}} : json_of(row->rows[0][0]);
}

expected<std::uint64_t> sql_chords::remove_ended(sql::session& on, std::size_t limit, time_point now,
                                                 deadline until) const {
  auto const found =
      on.run("SELECT group_id FROM " + chord_ + " WHERE ends <= ? ORDER BY group_id LIMIT " + std::to_string(limit),
             sql::row{chord_us(now)}, until);
  if (!found) return fail(found.error());
  for (auto const& r : found->rows)
    if (auto done = forget(on, text_of(r[0]), until); !done) return fail(done.error());
  return found->rows.size();
}

}  // namespace lovage::backend
