#include "sql/mysql_session.hpp"

#include "sql/mysql_bulk.hpp"
#include "sql/mysql_wire.hpp"

#include <mysql.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <type_traits>
#include <unordered_map>

namespace lovage::sql {
namespace {

constexpr unsigned octet_set = 63;  // the "character set" of columns that hold octets

cell of_mysql(MYSQL_TIME const& t) {
  std::chrono::year_month_day const date{std::chrono::year{static_cast<int>(t.year)}, std::chrono::month{t.month},
                                         std::chrono::day{t.day}};
  if (!date.ok()) return std::monostate{};  // "0000-00-00"
  auto const s = std::int64_t{t.hour} * 3'600 + t.minute * 60 + t.second;
  return time_point{std::chrono::sys_days{date}} +
         std::chrono::microseconds{s * 1'000'000 + static_cast<std::int64_t>(t.second_part)};
}

/// Values on their way to the server. *Lifetime*: the cells outlive it.
class parameters {
 public:
  explicit parameters(std::span<cell const> from) : binds_(from.size()), times_(from.size()) {
    for (std::size_t i = 0; i < from.size(); ++i)
      std::visit([&](auto const& v) { set(binds_[i], v, times_[i]); }, from[i]);
  }
  [[nodiscard]] MYSQL_BIND* data() noexcept { return binds_.data(); }

 private:
  static void set(MYSQL_BIND& to, std::monostate, MYSQL_TIME&) { to.buffer_type = MYSQL_TYPE_NULL; }
  static void set(MYSQL_BIND& to, std::int64_t const& v, MYSQL_TIME&) { number(to, MYSQL_TYPE_LONGLONG, &v); }
  static void set(MYSQL_BIND& to, double const& v, MYSQL_TIME&) { number(to, MYSQL_TYPE_DOUBLE, &v); }
  static void set(MYSQL_BIND& to, std::string const& v, MYSQL_TIME&) { octets(to, MYSQL_TYPE_STRING, v); }
  static void set(MYSQL_BIND& to, blob const& v, MYSQL_TIME&) { octets(to, MYSQL_TYPE_BLOB, v.octets); }
  static void set(MYSQL_BIND& to, time_point const& v, MYSQL_TIME& kept) {
    kept = to_mysql(v);
    number(to, MYSQL_TYPE_DATETIME, &kept);
  }
  static void number(MYSQL_BIND& to, enum_field_types type, void const* at) {
    to.buffer_type = type;
    to.buffer = const_cast<void*>(at);
  }
  static void octets(MYSQL_BIND& to, enum_field_types type, std::string const& v) {
    number(to, type, v.data());
    to.buffer_length = v.size();
  }

  std::vector<MYSQL_BIND> binds_;
  std::vector<MYSQL_TIME> times_;
};

/// One column of what came back.
struct fetched {
  enum_field_types as = MYSQL_TYPE_STRING;
  bool is_octets = false;
  std::int64_t whole = 0;
  double real = 0;
  MYSQL_TIME time{};
  std::string text;
  unsigned long length = 0;
  my_bool null = 0;

  void prepare(MYSQL_FIELD const& from, MYSQL_BIND& bind);
  [[nodiscard]] cell get() const;
};

void fetched::prepare(MYSQL_FIELD const& from, MYSQL_BIND& bind) {
  switch (from.type) {
    case MYSQL_TYPE_LONGLONG:
      // What is above the signed ones is text.
      as = (from.flags & UNSIGNED_FLAG) != 0 ? MYSQL_TYPE_STRING : MYSQL_TYPE_LONGLONG;
      break;
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_YEAR: as = MYSQL_TYPE_LONGLONG; break;
    case MYSQL_TYPE_FLOAT:
    case MYSQL_TYPE_DOUBLE: as = MYSQL_TYPE_DOUBLE; break;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP: as = MYSQL_TYPE_DATETIME; break;
    default: is_octets = from.charsetnr == octet_set && from.type != MYSQL_TYPE_NEWDECIMAL; break;
  }
  bind.buffer_type = as;
  bind.is_null = &null;
  bind.length = &length;
  if (as == MYSQL_TYPE_LONGLONG) bind.buffer = &whole;
  if (as == MYSQL_TYPE_DOUBLE) bind.buffer = &real;
  if (as == MYSQL_TYPE_DATETIME) bind.buffer = &time;
  if (as != MYSQL_TYPE_STRING) return;
  text.resize(std::max<unsigned long>(from.max_length, 24));
  bind.buffer = text.data();
  bind.buffer_length = text.size();
}

cell fetched::get() const {
  if (null != 0) return std::monostate{};
  if (as == MYSQL_TYPE_LONGLONG) return whole;
  if (as == MYSQL_TYPE_DOUBLE) return real;
  if (as == MYSQL_TYPE_DATETIME) return of_mysql(time);
  auto out = text.substr(0, length);
  if (is_octets) return blob{std::move(out)};
  return out;
}

class mysql_session final : public session {
 public:
  ~mysql_session() override {
    for (auto& [text, on] : prepared_) mysql_stmt_close(on);
  }
  expected<void> connect(url const& to, deadline until) { return wire_.connect(to, until); }

  [[nodiscard]] dialect kind() const noexcept override { return dialect::mysql; }
  [[nodiscard]] bool alive() const noexcept override { return wire_.alive(); }
  expected<result> run(std::string_view text, std::span<cell const> values, deadline until) override;
  expected<std::uint64_t> run_each(std::string_view text, std::span<row const> sets, deadline until) override;
  expected<void> script(std::string_view statements, deadline until) override {
    return alive() ? wire_.query(statements, until) : expected<void>{dead()};
  }
  expected<void> begin(deadline until) override {
    auto done = script("START TRANSACTION", until);
    in_transaction_ = done.has_value();
    return done;
  }
  expected<void> commit(deadline until) override {
    auto done = script("COMMIT", until);
    if (!done && alive()) rollback(until);
    in_transaction_ = false;
    return done;
  }
  void rollback(deadline until) noexcept override {
    in_transaction_ = false;
    if (alive()) (void)wire_.query("ROLLBACK", until);
  }

 private:
  [[nodiscard]] static failure dead() { return fail(errc::unavailable, "the connection to the database was lost"); }
  expected<MYSQL_STMT*> prepared(std::string_view text, deadline until);
  expected<std::vector<row>> rows_of(MYSQL_STMT* on);
  expected<std::uint64_t> run_all(std::string_view text, std::span<row const> sets, deadline until);
  expected<std::uint64_t> run_some(std::string_view text, std::span<row const> sets, deadline until);

  mysql_wire wire_;
  std::unordered_map<std::string, MYSQL_STMT*> prepared_;
  bool in_transaction_ = false;
};

expected<MYSQL_STMT*> mysql_session::prepared(std::string_view text, deadline until) {
  auto const at = prepared_.find(std::string{text});
  if (at != prepared_.end()) return at->second;
  auto made = wire_.prepare(text, until);
  if (made) prepared_.emplace(text, *made);
  return made;
}

expected<std::vector<row>> mysql_session::rows_of(MYSQL_STMT* on) {
  std::vector<row> out;
  auto* const about = mysql_stmt_result_metadata(on);
  auto const columns = mysql_stmt_field_count(on);
  auto const* const fields = mysql_fetch_fields(about);
  std::vector<fetched> cells(columns);
  std::vector<MYSQL_BIND> binds(columns);
  for (unsigned i = 0; i < columns; ++i) cells[i].prepare(fields[i], binds[i]);
  mysql_free_result(about);
  mysql_stmt_bind_result(on, binds.data());
  for (int said = 0; (said = mysql_stmt_fetch(on)) != MYSQL_NO_DATA;) {
    if (said != 0) {
      mysql_stmt_free_result(on);
      return fail(errc::internal, "a row of the database cannot be read: " + std::string{mysql_stmt_error(on)});
    }
    auto& r = out.emplace_back();
    for (auto const& c : cells) r.push_back(c.get());
  }
  mysql_stmt_free_result(on);
  return out;
}

expected<result> mysql_session::run(std::string_view text, std::span<cell const> values, deadline until) {
  if (!alive()) return dead();
  auto const on = prepared(text, until);
  if (!on) return fail(on.error());
  if (mysql_stmt_param_count(*on) != values.size())
    return fail(errc::internal,
                "a statement takes " + std::to_string(mysql_stmt_param_count(*on)) + " values and was given " +
                    std::to_string(values.size()),
                std::string{text});
  parameters given{values};
  mysql_stmt_bind_param(*on, given.data());
  if (auto done = wire_.execute(*on, until); !done) return fail(done.error());
  result out;
  if (mysql_stmt_field_count(*on) == 0) {
    out.changed = mysql_stmt_affected_rows(*on);
    return out;
  }
  auto rows = rows_of(*on);
  if (!rows) return fail(rows.error());
  out.rows = *std::move(rows);
  return out;
}

// A packet holds that much under every server's settings, but for single values that are larger.
std::size_t sets_at_once(std::span<row const> sets) {
  std::size_t n = 0;
  for (std::size_t octets = 0; n < sets.size() && n < 1'000; ++n) {
    octets += octets_of_set(sets[n]);
    if (n > 0 && octets > (512 << 10)) break;
  }
  return n;
}

expected<std::uint64_t> mysql_session::run_all(std::string_view text, std::span<row const> sets, deadline until) {
  std::uint64_t changed = 0;
  while (!sets.empty()) {
    auto const n = sets_at_once(sets);
    auto const some = run_some(text, sets.first(n), until);
    if (!some) return some;
    changed += *some;
    sets = sets.subspan(n);
  }
  return changed;
}

// In one round trip where the server is a MariaDB; MySQL takes one set after the other.
expected<std::uint64_t> mysql_session::run_some(std::string_view text, std::span<row const> sets, deadline until) {
  std::uint64_t changed = 0;
  bulk_parameters together{sets};
  if (alive() && wire_.takes_bulk() && sets.size() > 1 && together.fit()) {
    auto const on = prepared(text, until);
    if (!on) return fail(on.error());
    if (mysql_stmt_param_count(*on) == sets.front().size() && mysql_stmt_field_count(*on) == 0) {
      auto const done = wire_.execute_bulk(*on, together.data(), sets.size(), until);
      if (!done) return fail(done.error());
      return mysql_stmt_affected_rows(*on);
    }
  }
  for (auto const& set : sets) {
    auto done = run(text, set, until);
    if (!done) return fail(done.error());
    changed += done->changed;
  }
  return changed;
}

expected<std::uint64_t> mysql_session::run_each(std::string_view text, std::span<row const> sets, deadline until) {
  if (in_transaction_) return run_all(text, sets, until);
  return in_transaction(*this, until, [&] { return run_all(text, sets, until); });
}

}  // namespace

expected<std::unique_ptr<session>> open_mysql(url const& to, deadline until) {
  auto made = std::make_unique<mysql_session>();
  if (auto done = made->connect(to, until); !done) return fail(done.error());
  return std::unique_ptr<session>{std::move(made)};
}

}  // namespace lovage::sql
