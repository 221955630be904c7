#include "sql/postgres_cells.hpp"

#include "sql/postgres_types.hpp"
#include "sql/sql_time.hpp"

#include <array>
#include <charconv>

namespace lovage::sql {
namespace {

struct parameter_writer {
  expected<postgres_parameter> operator()(std::monostate) const { return postgres_parameter{}; }
  expected<postgres_parameter> operator()(std::int64_t v) const { return postgres_parameter{std::to_string(v)}; }
  expected<postgres_parameter> operator()(double v) const {
    std::array<char, 32> out{};
    auto const end = std::to_chars(out.data(), out.data() + out.size(), v).ptr;
    return postgres_parameter{std::string{out.data(), end}};
  }
  expected<postgres_parameter> operator()(std::string const& v) const {
    if (v.find('\0') != std::string::npos) return fail(errc::encode, std::string{no_nul_in_text});
    return postgres_parameter{v};
  }
  expected<postgres_parameter> operator()(blob const& v) const { return postgres_parameter{v.octets, true}; }
  expected<postgres_parameter> operator()(time_point v) const { return postgres_parameter{write_sql_time(v) + "+00"}; }
};

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

// "\x0aff", as bytea_output = hex writes it.
cell octets_of_hex(std::string_view text) {
  blob out;
  if (!text.starts_with("\\x")) return std::string{text};
  for (text.remove_prefix(2); text.size() >= 2; text.remove_prefix(2)) {
    auto const high = hex_digit(text[0]), low = hex_digit(text[1]);
    out.octets += static_cast<char>(high.value_or(0) << 4 | low.value_or(0));
  }
  return out;
}

template <class Number>
cell number_of(std::string_view text) {
  Number out{};
  auto const [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (wrong != std::errc{} || end != text.data() + text.size()) return std::string{text};
  return out;
}

}  // namespace

expected<postgres_parameter> to_parameter(cell const& c) { return std::visit(parameter_writer{}, c); }

cell to_cell(unsigned type, std::string_view text) {
  switch (type) {
    case pg_type::boolean: return std::int64_t{text == "t"};
    case pg_type::int2:
    case pg_type::int4:
    case pg_type::int8:
    case pg_type::oid: return number_of<std::int64_t>(text);
    case pg_type::float4:
    case pg_type::float8: return number_of<double>(text);  // "NaN" and "Infinity" too
    case pg_type::bytea: return octets_of_hex(text);
    case pg_type::timestamp:
    case pg_type::timestamptz:
      if (auto const at = read_sql_time(text)) return *at;
      break;
    default: break;
  }
  return std::string{text};
}

}  // namespace lovage::sql
