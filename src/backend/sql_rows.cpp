#include "backend/sql_rows.hpp"

#include "backend/postgres_upsert.hpp"
#include "wire/result_record.hpp"
#include "wire/serializer.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>

namespace lovage::backend {
namespace {

using sql::cell;
using sql::dialect;

constexpr auto never = std::numeric_limits<std::int64_t>::max();

constexpr std::size_t octets_at_once = 32 << 20;  // of one statement; a value of the server's ends at 1 GB

// How far the end that follows from a row's date may be from the one that is wanted.
constexpr auto near_enough = std::chrono::minutes{1};

std::int64_t us_of(time_point t) { return t.time_since_epoch().count(); }

std::string joined(std::span<std::string const> names) {
  std::string out;
  for (auto const& n : names) out += (out.empty() ? "" : ", ") + n;
  return out;
}

std::string insert_text(std::string const& table, std::span<std::string const> columns, generated_column const& first) {
  std::string names = joined(columns), marks = "?";
  for (std::size_t i = 1; i < columns.size(); ++i) marks += ", ?";
  if (!first.name.empty()) {
    names = first.name + ", " + names;
    marks = first.made_by + ", " + marks;
  }
  return "INTO " + table + " (" + names + ") VALUES (" + marks + ")";
}

expected<std::string> more_text(value::map const& more) {
  if (more.empty()) return std::string{};
  return wire::to_json(value{more}, {.typed = true});
}

std::string aside_key(dialect d, row_layout const& as) {
  auto const key = "t." + as.key;
  if (as.aside_prefix.empty()) return key;
  auto const prefix = "'" + as.aside_prefix + "'";
  return d == dialect::mysql ? "CONCAT(" + prefix + ", " + key + ")" : prefix + " || " + key;
}

std::string const& key_of(row_to_store const& r) { return std::get<std::string>(r.cells.front()); }

// In one order everywhere: two who store the same rows wait for each other and not in a circle.
void sort_by_key(std::vector<row_to_store>& rows) {
  std::sort(rows.begin(), rows.end(), [](auto const& a, auto const& b) { return key_of(a) < key_of(b); });
}

std::size_t octets_of(row_to_store const& r) {
  std::size_t out = 0;
  for (auto const& c : r.cells) {
    if (auto const* text = std::get_if<std::string>(&c)) out += text->size();
    if (auto const* octets = std::get_if<sql::blob>(&c)) out += octets->octets.size();
  }
  return out;
}

std::vector<std::string> keys_of(std::vector<row_to_store> const& rows) {
  std::vector<std::string> out;
  for (auto const& r : rows) out.push_back(key_of(r));
  return out;
}

}  // namespace

expected<std::string> quoted_table(dialect d, std::string_view schema, std::string_view name) {
  auto const is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (auto const part : {schema, name})
    if (!std::all_of(part.begin(), part.end(), is_plain))
      return fail(errc::bad_config,
                  "'" + std::string{part} + "' is no name of a table or schema here: letters, digits and _",
                  "database_table_names");
  if (name.empty()) return fail(errc::bad_config, "a table has no name", "database_table_names");
  std::string const quote = d == dialect::mysql ? "`" : "\"";
  auto const quoted = [&](std::string_view part) { return quote + std::string{part} + quote; };
  return schema.empty() ? quoted(name) : quoted(schema) + "." + quoted(name);
}

std::string insert_new(dialect d, std::string const& table, std::span<std::string const> columns,
                       std::string const& key, generated_column const& first) {
  auto const text = insert_text(table, columns, first);
  if (d == dialect::mysql) return "INSERT IGNORE " + text;
  return "INSERT " + text + " ON CONFLICT (" + key + ") DO NOTHING";
}

std::string insert_or_replace(dialect d, std::string const& table, std::span<std::string const> columns,
                              std::string const& key) {
  std::string sets;
  for (auto const& c : columns) {
    if (c == key) continue;
    sets += (sets.empty() ? "" : ", ") + c + " = " + (d == dialect::mysql ? "VALUES(" + c + ")" : "excluded." + c);
  }
  auto const text = "INSERT " + insert_text(table, columns, {});
  if (d == dialect::mysql) return text + " ON DUPLICATE KEY UPDATE " + sets;
  return text + " ON CONFLICT (" + key + ") DO UPDATE SET " + sets;
}

// `ends`: microseconds since 1970.
std::string sql_rows::aside_ddl(dialect d, std::string const& aside) {
  auto const my = d == dialect::mysql;
  auto const index = d == dialect::mysql ? ", INDEX lovage_aside_ends (ends)" : "";
  std::string out = "CREATE TABLE IF NOT EXISTS " + aside +
                    " (row_key VARCHAR(260) NOT NULL PRIMARY KEY, ends BIGINT NOT NULL, more " +
                    (my ? "LONGTEXT" : "TEXT") + index + ")" +
                    (my ? " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" : "") + ";";
  if (!my) out += "CREATE INDEX IF NOT EXISTS lovage_aside_ends ON " + aside + " (ends);";
  return out;
}

sql_rows::sql_rows(dialect d, row_layout as, std::string aside, std::chrono::seconds expires)
    : as_{std::move(as)}, aside_{std::move(aside)}, expires_{expires}, aside_key_{aside_key(d, as_)} {
  std::vector<std::string> names;
  std::string sets, read;
  for (auto const& c : as_.columns) {
    names.push_back(c.name);
    read += "t." + c.name + ", ";
    if (c.name == as_.key || c.only_new) continue;
    sets += (sets.empty() ? "" : ", ") + c.name + " = " + (c.only_given ? "COALESCE(?, " + c.name + ")" : "?");
  }
  insert_ = insert_new(d, as_.table, names, as_.key, as_.id);
  replace_ = "UPDATE " + as_.table + " SET " + sets + " WHERE " + as_.key + " = ?";
  auto const from = " FROM " + as_.table + " t LEFT JOIN " + aside_ + " x ON x.row_key = " + aside_key_ + " WHERE t." +
                    as_.key + " IN ";
  select_ = "SELECT " + read + "x.ends, x.more, t." + as_.date + from;
  auto const status = as_.status.empty() ? "''" : "t." + as_.status;
  select_state_ = "SELECT t." + as_.key + ", " + status + ", t." + as_.date + ", x.ends" + from;
  lock_ = d == dialect::postgres ? " FOR UPDATE OF t" : d == dialect::mysql ? " FOR UPDATE" : "";
  if (d == dialect::postgres) upsert_ = upsert_statement(as_, aside_, expires_);
  put_aside_ = insert_or_replace(d, aside_, std::vector<std::string>{"row_key", "ends", "more"}, "row_key");
}

bool sql_rows::has_ended(cell const& date, cell const& end, time_point now) const {
  if (auto const* us = std::get_if<std::int64_t>(&end)) return *us <= us_of(now);
  auto const* at = std::get_if<time_point>(&date);
  return at != nullptr && expires_.count() > 0 && *at + expires_ <= now;
}

std::optional<std::int64_t> sql_rows::end_aside(row_to_store const& r, time_point now) const {
  auto const wanted = r.expires_in ? us_of(now + *r.expires_in) : never;
  auto const follows = r.date && expires_.count() > 0 ? us_of(*r.date + expires_) : never;
  auto const apart = std::chrono::microseconds{wanted > follows ? wanted - follows : follows - wanted};
  if (apart <= near_enough && r.more.empty()) return std::nullopt;
  return wanted;
}

sql::row sql_rows::replacing(sql::row const& cells) const {
  sql::row out;
  for (std::size_t i = 1; i < cells.size(); ++i)
    if (!as_.columns[i].only_new) out.push_back(cells[i]);
  out.push_back(cells.front());
  return out;
}

expected<sql::postgres_call> sql_rows::upsert_call(std::span<row_to_store const> rows, time_point now) const {
  std::vector<cell> ends, more;
  for (auto const& r : rows) {
    auto const end = end_aside(r, now);
    auto text = end ? more_text(r.more) : std::string{};
    if (!text) return fail(text.error());
    ends.push_back(end ? cell{*end} : cell{});
    more.push_back(text->empty() ? cell{} : cell{*std::move(text)});
  }
  sql::postgres_call out{upsert_};
  std::vector<cell const*> column(rows.size());
  auto const add = [&](sql::cell_kind kind, auto&& cell_of) {
    for (std::size_t i = 0; i < rows.size(); ++i) column[i] = &cell_of(i);
    return out.values.column(kind, column);
  };
  for (std::size_t c = 0; c < as_.columns.size(); ++c)
    if (auto done = add(as_.columns[c].holds, [&](auto i) -> auto& { return rows[i].cells[c]; }); !done)
      return fail(done.error().code, done.error().detail, as_.table + "." + as_.columns[c].name);
  if (auto done = add(sql::cell_kind::whole, [&](auto i) -> auto& { return ends[i]; }); !done)
    return fail(done.error());
  if (auto done = add(sql::cell_kind::text, [&](auto i) -> auto& { return more[i]; }); !done) return fail(done.error());
  if (as_.status.empty()) return out;
  out.values.integer(us_of(now));
  if (expires_.count() > 0) out.values.moment(now - expires_);
  return out;
}

expected<std::vector<sql::postgres_call>> sql_rows::store_calls(std::vector<row_to_store> rows, time_point now) const {
  sort_by_key(rows);
  std::vector<sql::postgres_call> out;
  for (std::span<row_to_store const> left{rows}; !left.empty();) {
    std::size_t n = 0, octets = 0;
    while (n < left.size() && octets < octets_at_once) octets += octets_of(left[n++]);
    auto call = upsert_call(left.first(n), now);
    if (!call) return fail(call.error());
    out.push_back(*std::move(call));
    left = left.subspan(n);
  }
  return out;
}

expected<void> sql_rows::store(sql::session& on, std::vector<row_to_store> rows, time_point now, deadline until) {
  if (on.kind() == dialect::postgres) {
    auto const calls = store_calls(std::move(rows), now);
    if (!calls) return fail(calls.error());
    auto const done = static_cast<sql::postgres_session&>(on).exchange(*calls, until);
    return done ? expected<void>{} : fail(done.error());
  }
  sort_by_key(rows);
  std::unordered_map<std::string, bool> is_final;
  auto looked = for_keys(keys_of(rows), select_state_, lock_, [&](std::string_view text, sql::row const& cells) {
    auto found = on.run(text, cells, until);
    if (!found) return found;
    for (auto const& r : found->rows) {
      auto const* status = std::get_if<std::string>(&r[1]);
      is_final[std::get<std::string>(r[0])] =
          status != nullptr && *status == wire::state::success && !has_ended(r[2], r[3], now);
    }
    return found;
  });
  if (!looked) return looked;
  std::erase_if(rows, [&](auto const& r) {
    auto const at = is_final.find(key_of(r));
    return at != is_final.end() && at->second;
  });
  std::vector<sql::row> fresh, known;
  for (auto const& r : rows) {
    bool const is_known = is_final.contains(key_of(r));
    (is_known ? known : fresh).push_back(is_known ? replacing(r.cells) : r.cells);
  }
  auto const added = on.run_each(insert_, fresh, until);
  if (!added) return fail(added.error());
  if (*added < fresh.size()) return fail(errc::conflict, "somebody else stored the same row meanwhile");
  if (auto done = on.run_each(replace_, known, until); !done) return fail(done.error());
  return write_aside(on, rows, now, until);
}

expected<void> sql_rows::write_aside(sql::session& on, std::vector<row_to_store> const& rows, time_point now,
                                     deadline until) {
  std::vector<sql::row> sets;
  std::vector<std::string> plain;
  for (auto const& r : rows) {
    auto const& key = key_of(r);
    auto const end = end_aside(r, now);
    if (!end) {
      plain.push_back(key);
      continue;
    }
    auto more = more_text(r.more);
    if (!more) return fail(more.error());
    sets.push_back({as_.aside_prefix + key, *end, more->empty() ? cell{} : cell{*std::move(more)}});
  }
  if (auto done = forget_aside(on, std::move(plain), until); !done) return done;
  auto done = on.run_each(put_aside_, sets, until);
  return done ? expected<void>{} : fail(done.error());
}

expected<void> sql_rows::forget_aside(sql::session& on, std::vector<std::string> keys, deadline until) {
  for (auto& k : keys) k = as_.aside_prefix + k;
  return for_keys(keys, "DELETE FROM " + aside_ + " WHERE row_key IN ", "",
                  [&](std::string_view text, sql::row const& cells) { return on.run(text, cells, until); });
}

expected<std::vector<std::optional<stored_row>>> sql_rows::fetch(sql::session& on, std::span<std::string const> keys,
                                                                 time_point now, deadline until) {
  std::unordered_map<std::string, stored_row> found;
  auto const width = as_.columns.size();
  auto done = for_keys(keys, select_, "", [&](std::string_view text, sql::row const& cells) -> expected<void> {
    auto got = on.run(text, cells, until);
    if (!got) return fail(got.error());
    for (auto& r : got->rows) {
      if (has_ended(r[width + 2], r[width], now)) continue;
      stored_row one;
      if (auto const* more = std::get_if<std::string>(&r[width + 1])) {
        auto read = wire::from_json(*more);
        if (!read) return fail(read.error());
        if (auto* m = read->get_if<value::map>()) one.more = std::move(*m);
      }
      auto key = std::get<std::string>(r.front());
      r.resize(width);
      one.cells = std::move(r);
      found.insert_or_assign(std::move(key), std::move(one));
    }
    return {};
  });
  if (!done) return fail(done.error());
  std::vector<std::optional<stored_row>> out;
  for (auto const& k : keys) {
    auto const at = found.find(k);
    out.push_back(at == found.end() ? std::nullopt : std::optional{at->second});
  }
  return out;
}

expected<void> sql_rows::forget(sql::session& on, std::span<std::string const> keys, deadline until) {
  std::vector<std::string> sorted{keys.begin(), keys.end()};
  std::sort(sorted.begin(), sorted.end());
  auto done = for_keys(sorted, "DELETE FROM " + as_.table + " WHERE " + as_.key + " IN ", "",
                       [&](std::string_view text, sql::row const& cells) { return on.run(text, cells, until); });
  return done ? forget_aside(on, std::move(sorted), until) : done;
}

expected<std::uint64_t> sql_rows::remove_ended(sql::session& on, std::size_t limit, time_point now, deadline until) {
  std::vector<std::string> keys;
  auto const take = [&](std::string const& text, sql::row const& cells) -> expected<void> {
    auto got = on.run(text, cells, until);
    if (!got) return fail(got.error());
    for (auto const& r : got->rows) keys.push_back(std::get<std::string>(r[0]));
    return {};
  };
  auto const most = std::to_string(limit);
  auto done = take("SELECT t." + as_.key + " FROM " + as_.table + " t JOIN " + aside_ +
                       " x ON x.row_key = " + aside_key_ + " WHERE x.ends <= ? LIMIT " + most,
                   {us_of(now)});
  if (done && expires_.count() > 0)
    done = take("SELECT t." + as_.key + " FROM " + as_.table + " t WHERE t." + as_.date +
                    " <= ? AND NOT EXISTS (SELECT 1 FROM " + aside_ + " x WHERE x.row_key = " + aside_key_ +
                    ") LIMIT " + most,
                {now - expires_});
  if (done) done = forget(on, keys, until);
  if (!done) return fail(done.error());
  return keys.size();
}

}  // namespace lovage::backend
