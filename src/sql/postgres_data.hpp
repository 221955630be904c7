// Values on their way to PostgreSQL and rows that came from it, in its binary form: for those who move much.
#pragma once

#include "sql/session.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct pg_result;

namespace lovage::sql {

/// The values of one statement, `$1` first, each with its type.
class postgres_values {
 public:
  struct item {
    unsigned type;
    std::string octets;
  };
  postgres_values& integer(std::int64_t v);  ///< int8
  postgres_values& text(std::string_view v);
  postgres_values& octets(std::string_view v);                       ///< bytea
  postgres_values& integers(std::span<std::int64_t const> v);        ///< int8[]
  postgres_values& texts(std::span<std::string_view const> v);       ///< text[]
  postgres_values& octet_list(std::span<std::string_view const> v);  ///< bytea[]
  postgres_values& moment(time_point v);                             ///< timestamptz
  /// text[], bytea[], int8[] or timestamptz[], with its nulls. *On failure*: `encode` for text with a NUL, `internal`
  /// for a cell of another kind; nothing is added then.
  [[nodiscard]] expected<void> column(cell_kind of, std::span<cell const* const> cells);
  [[nodiscard]] std::vector<item> const& items() const noexcept { return items_; }

 private:
  std::vector<item> items_;
};

/// What one statement gave. Rows and columns are numbered from 0. Views live as long as this.
class postgres_rows {
 public:
  explicit postgres_rows(pg_result* of) noexcept : of_{of} {}
  [[nodiscard]] std::size_t size() const noexcept;
  /// Of bool, int2, int4 and int8.
  [[nodiscard]] std::int64_t integer(std::size_t row, int column) const noexcept;
  /// Of text and bytea; empty for null.
  [[nodiscard]] std::string_view text(std::size_t row, int column) const noexcept;
  [[nodiscard]] bool is_null(std::size_t row, int column) const noexcept;
  /// Rows inserted, updated or deleted; found, of a SELECT.
  [[nodiscard]] std::uint64_t changed() const noexcept;
  [[nodiscard]] pg_result* raw() const noexcept { return of_.get(); }

 private:
  struct clear {
    void operator()(pg_result* r) const noexcept;
  };
  std::unique_ptr<pg_result, clear> of_;
};

}  // namespace lovage::sql
