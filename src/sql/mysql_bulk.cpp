#include "sql/mysql_bulk.hpp"

#include <mysql.h>

#include <chrono>

namespace lovage::sql {
namespace {

constexpr std::size_t overhead = 16;  // of a value

constexpr enum_field_types type_of_kind[] = {MYSQL_TYPE_STRING, MYSQL_TYPE_LONGLONG, MYSQL_TYPE_DOUBLE,
                                             MYSQL_TYPE_STRING, MYSQL_TYPE_BLOB,     MYSQL_TYPE_DATETIME};
static_assert(std::size(type_of_kind) == std::variant_size_v<cell>);

/// The library finds numbers beside each other, all else by pointers.
struct bulk_column {
  std::vector<char> nulls;
  std::vector<std::int64_t> whole;
  std::vector<double> real;
  std::vector<MYSQL_TIME> times;
  std::vector<void const*> at;
  std::vector<unsigned long> lengths;

  explicit bulk_column(std::size_t rows) : nulls(rows, STMT_INDICATOR_NULL), at(rows, ""), lengths(rows) {}
  void set(std::size_t row, cell const& v);
  void bind(std::size_t kind, MYSQL_BIND& to);
};

void bulk_column::set(std::size_t row, cell const& v) {
  if (v.index() == 0) return;
  nulls[row] = STMT_INDICATOR_NONE;
  auto const octets = [&](std::string const& text) { at[row] = text.data(), lengths[row] = text.size(); };
  if (auto const* number = std::get_if<std::int64_t>(&v)) whole[row] = *number;
  if (auto const* number = std::get_if<double>(&v)) real[row] = *number;
  if (auto const* text = std::get_if<std::string>(&v)) octets(*text);
  if (auto const* b = std::get_if<blob>(&v)) octets(b->octets);
  if (auto const* t = std::get_if<time_point>(&v)) times[row] = to_mysql(*t), at[row] = &times[row];
}

void bulk_column::bind(std::size_t kind, MYSQL_BIND& to) {
  to.buffer_type = type_of_kind[kind];
  to.buffer = at.data();
  if (!whole.empty()) to.buffer = whole.data();
  if (!real.empty()) to.buffer = real.data();
  to.length = lengths.data();
  to.u.indicator = nulls.data();
}

}  // namespace

MYSQL_TIME to_mysql(time_point t) {
  auto const day = std::chrono::floor<std::chrono::days>(t);
  std::chrono::year_month_day const date{day};
  auto const us = static_cast<unsigned long>((t - day).count() % 1'000'000);
  auto const s = static_cast<unsigned>((t - day).count() / 1'000'000);
  MYSQL_TIME out{};
  out.year = static_cast<unsigned>(int{date.year()});
  out.month = unsigned{date.month()};
  out.day = unsigned{date.day()};
  out.hour = s / 3'600, out.minute = s / 60 % 60, out.second = s % 60;
  out.second_part = us;
  out.time_type = MYSQL_TIMESTAMP_DATETIME;
  return out;
}

struct bulk_parameters::columns {
  std::vector<bulk_column> all;
  std::vector<MYSQL_BIND> binds;
};

bulk_parameters::~bulk_parameters() = default;
st_mysql_bind* bulk_parameters::data() noexcept { return of_->binds.data(); }

bulk_parameters::bulk_parameters(std::span<row const> sets) : of_{std::make_unique<columns>()} {
  auto const width = sets.empty() ? 0 : sets.front().size();
  of_->all.reserve(width);
  of_->binds.resize(width);
  for (auto const& s : sets) fit_ = fit_ && s.size() == width;
  for (std::size_t place = 0; fit_ && place < width; ++place) fit_ = add(sets, place);
}

bool bulk_parameters::add(std::span<row const> sets, std::size_t place) {
  auto& to = of_->all.emplace_back(sets.size());
  std::size_t kind = 0;
  for (auto const& s : sets) {
    if (s[place].index() == 0) continue;
    if (kind != 0 && s[place].index() != kind) return false;
    kind = s[place].index();
  }
  if (kind == 1) to.whole.resize(sets.size());
  if (kind == 2) to.real.resize(sets.size());
  if (kind == 5) to.times.resize(sets.size());
  for (std::size_t i = 0; i < sets.size(); ++i) to.set(i, sets[i][place]);
  return to.bind(kind, of_->binds[place]), true;
}

std::size_t octets_of_set(row const& set) {
  std::size_t out = 0;
  for (auto const& c : set) {
    out += overhead;
    if (auto const* text = std::get_if<std::string>(&c)) out += text->size();
    if (auto const* b = std::get_if<blob>(&c)) out += b->octets.size();
  }
  return out;
}

}  // namespace lovage::sql
