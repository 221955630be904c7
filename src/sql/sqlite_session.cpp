#include "sql/sqlite_session.hpp"

#include "core/ascii.hpp"
#include "sql/sql_time.hpp"
#include "store/database.hpp"

#include <sqlite3.h>

#include <type_traits>
#include <unordered_set>

namespace lovage::sql {
namespace {

using store::attempt;
using store::database;
using store::statement;

bool is_time(char const* declared) {
  if (declared == nullptr) return false;
  std::string type;
  for (; *declared != '\0'; ++declared) type += lower(*declared);
  return type.find("date") != type.npos || type.find("time") != type.npos;
}

// What is bound must outlive the statement's use: texts of moments are kept in `kept`.
void bind_cell(statement& to, cell const& c, std::vector<std::string>& kept) {
  std::visit(
      [&](auto const& v) {
        using type = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<type, std::monostate>) {
          to.bind_null();
        } else if constexpr (std::is_same_v<type, blob>) {
          to.bind_blob(v.octets);
        } else if constexpr (std::is_same_v<type, time_point>) {
          to.bind(std::string_view{kept.emplace_back(write_sql_time(v))});
        } else if constexpr (std::is_same_v<type, std::string>) {
          to.bind(std::string_view{v});
        } else if constexpr (std::is_same_v<type, double>) {
          to.bind_real(v);
        } else {
          to.bind(v);
        }
      },
      c);
}

cell cell_of(statement const& from, int column) {
  auto* const on = from.raw();
  switch (sqlite3_column_type(on, column)) {
    case SQLITE_INTEGER: return from.integer(column);
    case SQLITE_FLOAT: return sqlite3_column_double(on, column);
    case SQLITE_BLOB: return blob{std::string{from.blob(column)}};
    case SQLITE_TEXT: break;
    default: return std::monostate{};
  }
  auto const text = from.text(column);
  if (is_time(sqlite3_column_decltype(on, column)))
    if (auto const t = read_sql_time(text)) return *t;
  return std::string{text};
}

class sqlite_session final : public session {
 public:
  sqlite_session(std::string path, deadline until) : db_{std::move(path), {.wal = false, .full_sync = true}, until} {}

  [[nodiscard]] dialect kind() const noexcept override { return dialect::sqlite; }
  [[nodiscard]] bool alive() const noexcept override { return true; }
  expected<result> run(std::string_view text, std::span<cell const> values, deadline until) override {
    return attempt([&] {
      db_.set_deadline(until);
      return execute(text, values);
    });
  }
  expected<std::uint64_t> run_each(std::string_view text, std::span<row const> sets, deadline until) override {
    return attempt([&] {
      db_.set_deadline(until);
      std::optional<store::transaction> own;
      if (!in_transaction_) own.emplace(db_);
      std::uint64_t changed = 0;
      for (auto const& set : sets) changed += execute(text, set).changed;
      if (own) own->commit();
      return changed;
    });
  }
  expected<void> script(std::string_view statements, deadline until) override {
    return attempt([&] {
      db_.set_deadline(until);
      db_.exec(std::string{statements}.c_str());
    });
  }
  expected<void> begin(deadline until) override {
    return attempt([&] {
      db_.set_deadline(until);
      db_.exec("BEGIN IMMEDIATE");
      in_transaction_ = true;
    });
  }
  expected<void> commit(deadline until) override {
    auto done = attempt([&] {
      db_.set_deadline(until);
      db_.exec("COMMIT");
      in_transaction_ = false;
    });
    if (!done) rollback(until);
    return done;
  }
  void rollback(deadline) noexcept override {
    in_transaction_ = false;
    sqlite3_exec(db_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);  // an error here means that SQLite did it
  }

 private:
  result execute(std::string_view text, std::span<cell const> values) {
    // The database knows a statement by where its text lies.
    auto on = db_.prepare(texts_.emplace(text).first->c_str());
    auto const wanted = static_cast<std::size_t>(sqlite3_bind_parameter_count(on.raw()));
    if (wanted != values.size())
      throw store::sql_failure{
          {errc::internal,
           "a statement takes " + std::to_string(wanted) + " values and was given " + std::to_string(values.size()),
           std::string{text}}};
    std::vector<std::string> kept;
    kept.reserve(values.size());
    for (auto const& v : values) bind_cell(on, v, kept);
    result out;
    auto const before = sqlite3_total_changes64(db_.raw());
    auto const columns = sqlite3_column_count(on.raw());
    while (on.step()) {
      auto& r = out.rows.emplace_back();
      for (int i = 0; i < columns; ++i) r.push_back(cell_of(on, i));
    }
    out.changed = static_cast<std::uint64_t>(sqlite3_total_changes64(db_.raw()) - before);
    return out;
  }

  database db_;
  std::unordered_set<std::string> texts_;
  bool in_transaction_ = false;
};

}  // namespace

expected<std::unique_ptr<session>> open_sqlite(std::string path, deadline until) {
  return attempt(
      [&]() -> std::unique_ptr<session> { return std::make_unique<sqlite_session>(std::move(path), until); });
}

}  // namespace lovage::sql
