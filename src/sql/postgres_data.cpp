#include "sql/postgres_data.hpp"

#include "sql/postgres_types.hpp"

#include <libpq-fe.h>

#include <cstdlib>

namespace lovage::sql {
namespace {

void append_be(std::string& out, std::uint64_t v, int octets) {
  for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) out += static_cast<char>(v >> shift & 0xff);
}

// One dimension that begins with index 1, no nulls; an empty array has no dimension.
std::string array_head(unsigned type, std::size_t count) {
  std::string out;
  append_be(out, count == 0 ? 0 : 1, 4);
  append_be(out, 0, 4);
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

}  // namespace

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
