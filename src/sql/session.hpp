// A connection to an SQL server, the same for PostgreSQL, MySQL/MariaDB and SQLite files: statements with `?` for their
// values, rows of cells, transactions. What only one of them can do is in its own header.
#pragma once

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>
#include <lovage/types.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace lovage::sql {

enum class dialect { postgres, mysql, sqlite };

/// Octets, as they are.
struct blob {
  std::string octets;
  friend bool operator==(blob const&, blob const&) = default;
};

/// One value. A `time_point` is UTC with microseconds, also in columns without a zone. What comes out of a column is
/// the nearest of these: numbers that are neither whole nor floating (`numeric`), and all else, are text.
using cell = std::variant<std::monostate, std::int64_t, double, std::string, blob, time_point>;
using row = std::vector<cell>;

/// Of what kind all cells of a column are that are not null; `moment` is a `time_point`.
enum class cell_kind { text, octets, whole, moment };

struct result {
  std::vector<row> rows;
  std::uint64_t changed = 0;  ///< rows inserted, updated or deleted; those found, where the server tells no more
};

/// One connection. *Threads*: one at a time. *On failure*: `unavailable` when the connection is lost (the session is
/// then dead and `alive` says so), `timeout` at the deadline (dead too), `conflict` for a unique key that is taken and
/// for transactions that must be run again, `no_space`, `bad_config` for what the server refuses for good: a name or
/// password, a table that is not there, a statement it does not know.
class session {
 public:
  virtual ~session() = default;
  [[nodiscard]] virtual dialect kind() const noexcept = 0;
  [[nodiscard]] virtual bool alive() const noexcept = 0;
  /// One statement, prepared once and kept; `?` in it stands for the values in turn. `text` is a literal or outlives
  /// the session: it is the key of the prepared ones.
  [[nodiscard]] virtual expected<result> run(std::string_view text, std::span<cell const> values, deadline until) = 0;
  /// The same statement for each of many sets of values: in one round trip where the server can. Inside a transaction
  /// or not; outside, all or none.
  [[nodiscard]] virtual expected<std::uint64_t> run_each(std::string_view text, std::span<row const> sets,
                                                         deadline until) = 0;
  /// Several statements without values, not kept: to make tables.
  [[nodiscard]] virtual expected<void> script(std::string_view statements, deadline until) = 0;
  [[nodiscard]] virtual expected<void> begin(deadline until) = 0;
  [[nodiscard]] virtual expected<void> commit(deadline until) = 0;
  /// Never fails: what cannot be rolled back dies with the session.
  virtual void rollback(deadline until) noexcept = 0;
};

/// `f()` in a transaction: committed when it gives a value, rolled back when it gives an error.
template <class F>
auto in_transaction(session& on, deadline until, F&& f) -> decltype(f()) {
  if (auto begun = on.begin(until); !begun) return fail(begun.error());
  auto out = std::forward<F>(f)();
  if (!out) return on.rollback(until), out;
  if (auto done = on.commit(until); !done) return fail(done.error());
  return out;
}

}  // namespace lovage::sql
