#include "beat/sql_tables.hpp"

#include <charconv>

namespace lovage::beats {
namespace {

std::string text_column(sql::dialect of) { return of == sql::dialect::mysql ? "MEDIUMTEXT" : "TEXT"; }

std::string beat_tables(sql::dialect of) {
  auto const name = name_column(of), text = text_column(of);
  return "CREATE TABLE IF NOT EXISTS lovage_beat_lead (id BIGINT NOT NULL PRIMARY KEY, term BIGINT NOT NULL, "
         "holder " +
         name +
         " NOT NULL, until_us BIGINT NOT NULL, counter BIGINT NOT NULL, all_from BIGINT NOT NULL);"
         "CREATE TABLE IF NOT EXISTS lovage_beat_entry (name " +
         name +
         " NOT NULL PRIMARY KEY, "
         "definition " +
         text +
         " NOT NULL, origin BIGINT NOT NULL, enabled BIGINT NOT NULL, "
         "counts_from BIGINT NOT NULL, changed BIGINT NOT NULL, last_due BIGINT, last_run_at BIGINT, "
         "total BIGINT NOT NULL);"
         "CREATE TABLE IF NOT EXISTS lovage_beat_claim (entry " +
         name +
         " NOT NULL, due BIGINT NOT NULL, "
         "claimed_at BIGINT NOT NULL, sent_at BIGINT, PRIMARY KEY (entry, due))";
}

}  // namespace

std::string name_column(sql::dialect of) {
  if (of == sql::dialect::mysql) return "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
  return of == sql::dialect::postgres ? "TEXT COLLATE \"C\"" : "TEXT";
}

expected<void> make_beat_tables(sql::session& on, deadline until) {
  if (auto made = on.script(beat_tables(on.kind()), until); !made) return made;
  constexpr std::string_view first_row =
      "INSERT INTO lovage_beat_lead(id, term, holder, until_us, counter, all_from) "
      "SELECT 1, 0, '', 0, 1, 0 FROM (SELECT COUNT(*) AS n FROM lovage_beat_lead) AS l WHERE n = 0";
  auto const put = on.run(first_row, {}, until);
  if (!put && put.error().code != errc::conflict) return fail(put.error());  // somebody else has made it
  return {};
}

std::int64_t cell_number(sql::cell const& c) {
  if (auto const* i = std::get_if<std::int64_t>(&c)) return *i;
  if (auto const* d = std::get_if<double>(&c)) return static_cast<std::int64_t>(*d);
  std::int64_t out = 0;
  if (auto const* s = std::get_if<std::string>(&c)) std::from_chars(s->data(), s->data() + s->size(), out);
  return out;
}

std::string cell_text(sql::cell const& c) {
  if (auto const* s = std::get_if<std::string>(&c)) return *s;
  if (auto const* b = std::get_if<sql::blob>(&c)) return b->octets;
  if (auto const* i = std::get_if<std::int64_t>(&c)) return std::to_string(*i);
  if (auto const* d = std::get_if<double>(&c)) {
    char buffer[400];
    auto const [end, bad] = std::to_chars(buffer, buffer + sizeof buffer, *d, std::chars_format::fixed);
    return bad == std::errc{} ? std::string{buffer, end} : std::string{};
  }
  return {};
}

bool cell_is_null(sql::cell const& c) { return std::holds_alternative<std::monostate>(c); }

std::optional<time_point> cell_moment(sql::cell const& c) {
  if (cell_is_null(c)) return std::nullopt;
  if (auto const* t = std::get_if<time_point>(&c)) return *t;
  return at_micros(cell_number(c));
}

}  // namespace lovage::beats
