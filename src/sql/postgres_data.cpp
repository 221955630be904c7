#include "sql/postgres_data.hpp"

#include "sql/postgres_cells.hpp"
#include "sql/postgres_types.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <cstdlib>

namespace lovage::sql {
namespace {

void append_be(std::string& out, std::uint64_t v, int octets) {
  for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) out += static_cast<char>(v >> shift & 0xff);
}

// One dimension that begins with index 1; an empty array has no dimension.
std::string array_head(unsigned type, std::size_t count, bool has_nulls = false) {
  std::string out;
  append_be(out, count == 0 ? 0 : 1, 4);
  append_be(out, has_nulls ? 1 : 0, 4);
  append_be(out, type, 4);
  if (count == 0) return out;
  append_be(out, count, 4);
  append_be(out, 1, 4);
  return out;
}

std::string array_of(unsigned type, std::span<std::string_view const> v) {
  auto out = array_head(type, v.size());
  std::size_t size = out.size();
  for (auto const& one : v) size += 4 + one.size();
  out.reserve(size);
  for (auto const& one : v) {
    append_be(out, one.size(), 4);
    out += one;
  }
  return out;
}

constexpr std::int64_t us_to_2000 = 946'684'800'000'000;  // PostgreSQL's own zero

std::uint64_t as_moment(time_point t) { return static_cast<std::uint64_t>(t.time_since_epoch().count() - us_to_2000); }

struct type_pair {
  unsigned of_one, of_array;
};
type_pair types_of(cell_kind kind) {
  switch (kind) {
    case cell_kind::text: return {pg_type::text, pg_type::text_array};
    case cell_kind::octets: return {pg_type::bytea, pg_type::bytea_array};
    case cell_kind::whole: return {pg_type::int8, pg_type::int8_array};
    case cell_kind::moment: break;
  }
  return {pg_type::timestamptz, pg_type::timestamptz_array};
}

expected<void> append_octets(std::string& out, std::string const& v) {
  append_be(out, v.size(), 4);
  out += v;
  return {};
}

expected<void> append_number(std::string& out, std::uint64_t v) {
  append_be(out, 8, 4);
  append_be(out, v, 8);
  return {};
}

expected<void> append_element(std::string& out, cell_kind kind, cell const& c) {
  if (std::holds_alternative<std::monostate>(c)) return append_be(out, 0xffff'ffff, 4), expected<void>{};
  auto const* text = kind == cell_kind::text ? std::get_if<std::string>(&c) : nullptr;
  if (text != nullptr && text->find('\0') != text->npos) return fail(errc::encode, std::string{no_nul_in_text});
  if (text != nullptr) return append_octets(out, *text);
  auto const* octets = kind == cell_kind::octets ? std::get_if<blob>(&c) : nullptr;
  if (octets != nullptr) return append_octets(out, octets->octets);
  auto const* number = kind == cell_kind::whole ? std::get_if<std::int64_t>(&c) : nullptr;
  if (number != nullptr) return append_number(out, static_cast<std::uint64_t>(*number));
  auto const* moment = kind == cell_kind::moment ? std::get_if<time_point>(&c) : nullptr;
  if (moment != nullptr) return append_number(out, as_moment(*moment));
  return fail(errc::internal, "a value is of another kind than its column");
}

}  // namespace

postgres_values& postgres_values::moment(time_point v) {
  std::string out;
  append_be(out, as_moment(v), 8);
  return items_.push_back({pg_type::timestamptz, std::move(out)}), *this;
}

expected<void> postgres_values::column(cell_kind of, std::span<cell const* const> cells) {
  auto const types = types_of(of);
  bool const has_nulls =
      std::any_of(cells.begin(), cells.end(), [](auto const* c) { return std::holds_alternative<std::monostate>(*c); });
  auto out = array_head(types.of_one, cells.size(), has_nulls);
  for (auto const* c : cells)
    if (auto added = append_element(out, of, *c); !added) return added;
  items_.push_back({types.of_array, std::move(out)});
  return {};
}

postgres_values& postgres_values::integer(std::int64_t v) {
  std::string out;
  append_be(out, static_cast<std::uint64_t>(v), 8);
  return items_.push_back({pg_type::int8, std::move(out)}), *this;
}

postgres_values& postgres_values::text(std::string_view v) {
  return items_.push_back({pg_type::text, std::string{v}}), *this;
}

postgres_values& postgres_values::octets(std::string_view v) {
  return items_.push_back({pg_type::bytea, std::string{v}}), *this;
}

postgres_values& postgres_values::integers(std::span<std::int64_t const> v) {
  auto out = array_head(pg_type::int8, v.size());
  out.reserve(out.size() + 12 * v.size());
  for (auto const one : v) {
    append_be(out, 8, 4);
    append_be(out, static_cast<std::uint64_t>(one), 8);
  }
  return items_.push_back({pg_type::int8_array, std::move(out)}), *this;
}

postgres_values& postgres_values::texts(std::span<std::string_view const> v) {
  return items_.push_back({pg_type::text_array, array_of(pg_type::text, v)}), *this;
}

postgres_values& postgres_values::octet_list(std::span<std::string_view const> v) {
  return items_.push_back({pg_type::bytea_array, array_of(pg_type::bytea, v)}), *this;
}

void postgres_rows::clear::operator()(pg_result* r) const noexcept { PQclear(r); }

std::size_t postgres_rows::size() const noexcept { return static_cast<std::size_t>(PQntuples(of_.get())); }

std::int64_t postgres_rows::integer(std::size_t row, int column) const noexcept {
  auto const octets = text(row, column);
  if (octets.empty()) return 0;
  bool const negative = octets.size() > 1 && (static_cast<unsigned char>(octets[0]) & 0x80U) != 0;
  auto out = negative ? ~std::uint64_t{0} : 0;
  for (char const c : octets) out = out << 8U | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(out);
}

std::string_view postgres_rows::text(std::size_t row, int column) const noexcept {
  auto const at = static_cast<int>(row);
  return {PQgetvalue(of_.get(), at, column), static_cast<std::size_t>(PQgetlength(of_.get(), at, column))};
}

bool postgres_rows::is_null(std::size_t row, int column) const noexcept {
  return PQgetisnull(of_.get(), static_cast<int>(row), column) != 0;
}

std::uint64_t postgres_rows::changed() const noexcept { return std::strtoull(PQcmdTuples(of_.get()), nullptr, 10); }

}  // namespace lovage::sql
