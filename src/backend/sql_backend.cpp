#include "backend/sql_backend.hpp"

#include "backend/sql_chords.hpp"
#include "backend/sql_claims.hpp"
#include "backend/sql_watch.hpp"
#include "sql/session_pool.hpp"

#include <atomic>
#include <unordered_map>

namespace lovage::backend {
namespace {

using sql::session;
using wire::result_record;

constexpr std::size_t removed_at_once = 500;
constexpr std::string_view tell_statement = "SELECT pg_notify('lovage_results', $1)";

/// Of several records of one task only the one that counts: the first SUCCESS, else the last.
std::vector<result_record const*> one_of_each(std::span<result_record const> records) {
  std::unordered_map<std::string_view, std::size_t> at;
  std::vector<result_record const*> out;
  for (auto const& r : records) {
    auto const [place, is_new] = at.try_emplace(r.id.str(), out.size());
    if (is_new) {
      out.push_back(&r);
    } else if (out[place->second]->status != wire::state::success) {
      out[place->second] = &r;
    }
  }
  return out;
}

std::vector<chord_part> without(std::vector<chord_part> all, std::span<chord_part const> these) {
  std::erase_if(all, [&](chord_part const& p) {
    return std::any_of(these.begin(), these.end(),
                       [&](chord_part const& t) { return t.group == p.group && t.id == p.id; });
  });
  return all;
}

/// Who waits is told the ids.
std::vector<sql::postgres_call> telling(std::vector<row_to_store> const& rows) {
  std::vector<sql::postgres_call> out;
  std::string text;
  auto const add = [&] { out.push_back({tell_statement}), out.back().values.text(std::exchange(text, {})); };
  for (auto const& r : rows) {
    auto const& id = std::get<std::string>(r.cells.front());
    if (!text.empty() && text.size() + 1 + id.size() > most_told) add();
    if (!text.empty()) text += '\n';
    text += id;
  }
  if (!text.empty()) add();
  return out;
}

class sql_backend final : public result_backend {
 public:
  sql_backend(std::shared_ptr<sql::session_pool> pool, sql_place where, now_fn now, std::unique_ptr<sql_tables> tables,
              sql_chords chords, sql_claims claims)
      : pool_{std::move(pool)},
        where_{std::move(where)},
        now_{std::move(now)},
        tables_{std::move(tables)},
        chords_{std::move(chords)},
        claims_{std::move(claims)} {}

  expected<void> store(std::span<result_record const> records, std::chrono::seconds expires, deadline until) override;
  expected<std::vector<result_record>> fetch(std::span<task_id const> ids, deadline until) override;
  expected<void> forget(std::span<task_id const> ids, deadline until) override;
  expected<std::unique_ptr<watch>> make_watch() override {
    auto const address = pool_->kind() == sql::dialect::postgres ? where_.address : std::string{};
    return make_sql_watch([this](auto ids, auto limit) { return read(ids, limit); }, address);
  }
  expected<std::uint64_t> cleanup(deadline until) override;

  expected<void> start_chords(std::span<chord_start const> chords, std::chrono::seconds expires,
                              deadline until) override {
    return in_step(until, [&](session& on) { return chords_.start(on, chords, end_of(expires), until); });
  }
  expected<std::vector<chord_end>> count_parts(std::span<chord_part const> parts, std::span<value const> bodies,
                                               std::chrono::seconds expires, deadline until) override;
  expected<void> end_chords(std::span<std::string const> groups, deadline until) override {
    return in_step(until, [&](session& on) { return chords_.end(on, groups, now_(), until); });
  }
  expected<std::vector<chord_end>> claim_chords(std::size_t limit, deadline until) override {
    return in_step(until, [&](session& on) { return chords_.claim(on, limit, now_(), until); });
  }
  expected<void> grow_chord(std::string const& group, std::span<task_id const> added, deadline until) override {
    return in_step(until, [&](session& on) { return chords_.grow(on, group, added, until); });
  }
  expected<std::vector<bool>> claim_runs(std::span<run_claim const> claims, std::chrono::seconds keep,
                                         deadline until) override {
    return in_step(until, [&](session& on) { return claims_.claim(on, claims, end_of(keep), now_(), until); });
  }
  expected<value> chord_body(std::string const& group, deadline until) override {
    return run(until, [&](session& on) { return chords_.body(on, group, until); });
  }
  expected<void> store_group(wire::result_tuple const& group, std::chrono::seconds expires, deadline until) override;
  expected<std::optional<wire::result_tuple>> fetch_group(std::string const& id, deadline until) override;
  expected<void> forget_group(std::string const& id, deadline until) override {
    return in_step(until, [&](session& on) { return tables_->groups().forget(on, {&id, 1}, until); });
  }

 private:
  using found_records = std::vector<expected<result_record>>;

  [[nodiscard]] std::optional<time_point> end_of(std::chrono::seconds expires) const {
    return expires.count() > 0 ? std::optional{now_() + expires} : std::nullopt;
  }
  [[nodiscard]] static std::optional<std::chrono::seconds> life_of(std::chrono::seconds expires) {
    return expires.count() > 0 ? std::optional{expires} : std::nullopt;
  }
  [[nodiscard]] expected<void> prepare(session& on, deadline until);
  /// Until the deadline; `f` is the same done twice.
  template <class F>
  auto run(deadline until, F&& f) -> std::invoke_result_t<F&, session&> {
    return pool_->run(until, [&](session& on) -> std::invoke_result_t<F&, session&> {
      if (auto ready = prepare(on, until); !ready) return fail(ready.error());
      return f(on);
    });
  }
  template <class F>
  auto in_step(deadline until, F&& f) -> std::invoke_result_t<F&, session&> {
    return run(until, [&](session& on) { return sql::in_transaction(on, until, [&] { return f(on); }); });
  }
  [[nodiscard]] expected<std::vector<row_to_store>> rows_of(std::vector<result_record const*> const& records,
                                                            std::chrono::seconds expires) const;
  [[nodiscard]] expected<found_records> read(std::span<task_id const> ids, deadline until);
  [[nodiscard]] expected<void> store_and_tell(sql::postgres_session& on,
                                              std::vector<result_record const*> const& records,
                                              std::chrono::seconds expires, deadline until);

  std::shared_ptr<sql::session_pool> const pool_;
  sql_place const where_;
  now_fn const now_;
  std::unique_ptr<sql_tables> const tables_;
  sql_chords const chords_;
  sql_claims const claims_;
  std::mutex preparing_;
  std::atomic<bool> prepared_ = false;
};

expected<void> sql_backend::prepare(session& on, deadline until) {
  if (prepared_) return {};
  std::lock_guard const lock{preparing_};
  if (prepared_) return {};
  if (auto done = tables_->prepare(on, until); !done) return done;
  auto const aside = aside_table(on.kind(), where_.schema);
  if (!aside) return fail(aside.error());
  // Asked for first: who may use tables may not make them, as a rule.
  bool const there =
      on.run(chords_.probe(), {}, until) && on.run("SELECT ends FROM " + *aside + " WHERE 1 = 0", {}, until);
  if (!there) {
    if (!on.alive()) return fail(errc::unavailable, "the connection to the database was lost");
    auto made = on.script(sql_rows::aside_ddl(on.kind(), *aside) + chords_.ddl() + claims_.ddl(), until);
    if (!made && made.error().code == errc::bad_config)
      return fail(
          errc::bad_config,
          "lovage's own tables cannot be made beside the results (lovage_aside, lovage_chord..., lovage_run_claim): " +
              made.error().detail,
          made.error().where);
    if (!made) return made;
  }
  prepared_ = true;
  return {};
}

// In one round trip, which is a transaction.
expected<void> sql_backend::store_and_tell(sql::postgres_session& on, std::vector<result_record const*> const& records,
                                           std::chrono::seconds expires, deadline until) {
  auto rows = rows_of(records, expires);
  if (!rows) return fail(rows.error());
  auto told = telling(*rows);
  auto calls = tables_->tasks().store_calls(*std::move(rows), now_());
  if (!calls) return fail(calls.error());
  std::move(told.begin(), told.end(), std::back_inserter(*calls));
  auto const done = on.exchange(*calls, until);
  return done ? expected<void>{} : fail(done.error());
}

expected<std::vector<row_to_store>> sql_backend::rows_of(std::vector<result_record const*> const& records,
                                                         std::chrono::seconds expires) const {
  std::vector<row_to_store> out;
  for (auto const* r : records) {
    if (r->status.empty()) return fail(errc::encode, "the result record has no status", "result.status");
    auto made = tables_->to_row(*r, now_());
    if (!made) return fail(made.error());
    made->expires_in = life_of(expires);
    out.push_back(*std::move(made));
  }
  return out;
}

expected<void> sql_backend::store(std::span<result_record const> records, std::chrono::seconds expires,
                                  deadline until) {
  if (records.empty()) return {};
  auto const each = one_of_each(records);
  if (pool_->kind() == sql::dialect::postgres)
    return run(until, [&](session& on) {
      return store_and_tell(static_cast<sql::postgres_session&>(on), each, expires, until);
    });
  return in_step(until, [&](session& on) -> expected<void> {
    auto const rows = rows_of(each, expires);
    if (!rows) return fail(rows.error());
    return tables_->tasks().store(on, *rows, now_(), until);
  });
}

expected<sql_backend::found_records> sql_backend::read(std::span<task_id const> ids, deadline until) {
  std::vector<std::string> keys;
  for (auto const& id : ids) keys.push_back(id.str());
  auto rows = run(until, [&](session& on) { return tables_->tasks().fetch(on, keys, now_(), until); });
  if (!rows) return fail(rows.error());
  found_records out;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (auto const& row = (*rows)[i]) {
      auto record = tables_->to_record(ids[i], *row);
      if (!record) {
        auto const& why = record.error();
        record = fail(why.code, "the stored result cannot be read: " + why.text(), "task " + ids[i].str());
      }
      out.push_back(std::move(record));
    } else {
      result_record nothing;
      nothing.id = ids[i];
      out.emplace_back(std::move(nothing));
    }
  }
  return out;
}

expected<std::vector<result_record>> sql_backend::fetch(std::span<task_id const> ids, deadline until) {
  auto found = read(ids, until);
  if (!found) return fail(found.error());
  std::vector<result_record> out;
  for (auto& r : *found) {
    if (!r) return fail(r.error());
    out.push_back(*std::move(r));
  }
  return out;
}

expected<void> sql_backend::forget(std::span<task_id const> ids, deadline until) {
  std::vector<std::string> keys;
  for (auto const& id : ids) keys.push_back(id.str());
  return in_step(until, [&](session& on) { return tables_->tasks().forget(on, keys, until); });
}

// Each batch is a step of its own: nobody waits long for a lock.
expected<std::uint64_t> sql_backend::cleanup(deadline until) {
  std::uint64_t removed = 0;
  auto const clear = [&](auto&& some) -> expected<void> {
    for (;;) {
      auto const n = in_step(until, some);
      if (!n) return fail(n.error());
      removed += *n;
      if (*n < removed_at_once || until.passed()) return {};
    }
  };
  for (auto* const rows : {&tables_->tasks(), &tables_->groups()}) {
    auto done = clear([&](session& on) { return rows->remove_ended(on, removed_at_once, now_(), until); });
    if (!done) return fail(done.error());
  }
  auto done = clear([&](session& on) { return chords_.remove_ended(on, removed_at_once, now_(), until); });
  if (done) done = clear([&](session& on) { return claims_.remove_ended(on, removed_at_once, now_(), until); });
  if (!done) return fail(done.error());
  return removed;
}

expected<std::vector<chord_end>> sql_backend::count_parts(std::span<chord_part const> parts,
                                                          std::span<value const> bodies, std::chrono::seconds expires,
                                                          deadline until) {
  return in_step(until, [&](session& on) -> expected<std::vector<chord_end>> {
    auto const known = [&](chord_part const& p) { return chords_.knows(on, p, until); };
    auto const taken = tables_->take_over(on, parts, known, now_(), until);
    if (!taken) return fail(taken.error());
    if (auto done = chords_.start(on, taken->chords, end_of(expires), until); !done) return fail(done.error());
    // Told first, so that it is what is given here that completes them.
    auto own = without(taken->parts, parts);
    auto const others = chords_.count(on, own, std::vector<value>(own.size()), end_of(expires), now_(), until);
    if (!others) return fail(others.error());
    return chords_.count(on, parts, bodies, end_of(expires), now_(), until);
  });
}

expected<void> sql_backend::store_group(wire::result_tuple const& group, std::chrono::seconds expires, deadline until) {
  return in_step(until, [&](session& on) -> expected<void> {
    auto row = tables_->to_row(group, now_());
    if (!row) return fail(row.error());
    row->expires_in = life_of(expires);
    return tables_->groups().store(on, {*std::move(row)}, now_(), until);
  });
}

expected<std::optional<wire::result_tuple>> sql_backend::fetch_group(std::string const& id, deadline until) {
  auto rows = run(until, [&](session& on) { return tables_->groups().fetch(on, {&id, 1}, now_(), until); });
  if (!rows) return fail(rows.error());
  if (!rows->front()) return std::optional<wire::result_tuple>{};
  auto group = tables_->to_group(*rows->front());
  if (!group)
    return fail(group.error().code, "the stored group cannot be read: " + group.error().text(), "group " + id);
  return std::optional{*std::move(group)};
}

}  // namespace

expected<std::string> aside_table(sql::dialect d, std::string_view schema) {
  return quoted_table(d, schema, "lovage_aside");
}

expected<std::shared_ptr<result_backend>> make_backend_on(sql_place where, settings const& with,
                                                          std::unique_ptr<sql_tables> tables) {
  auto pool = sql::session_pool::make(where.address);
  if (!pool) return fail(pool.error());
  std::string schema;
  if (!where.schema.empty()) {
    auto const quoted = quoted_table((*pool)->kind(), "", where.schema);
    if (!quoted) return fail(quoted.error());
    schema = *quoted + ".";
  }
  auto const kind = (*pool)->kind();
  return std::shared_ptr<result_backend>{std::make_shared<sql_backend>(*std::move(pool), std::move(where), with.now,
                                                                       std::move(tables), sql_chords{kind, schema},
                                                                       sql_claims{kind, schema})};
}

}  // namespace lovage::backend
