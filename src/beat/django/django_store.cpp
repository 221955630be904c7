// Django's rows say what is to run. What they cannot hold is kept beside them, in lovage_beat_django: which schedule an
// entry had when it was looked at last, since when it counts, and what its interval is counted from; so that every
// scheduler finds the same moments, whoever looked first.
#include "beat/django/django_store.hpp"

#include "beat/django/django_rows.hpp"
#include "beat/sql_schedules.hpp"
#include "core/log.hpp"

#include <array>
#include <map>
#include <set>

namespace lovage::beats {
namespace {

using sql::cell;
using sql::session;

// Bulk updates by the ORM leave no trace: as Django's own scheduler does, everything is read again now and then.
constexpr std::chrono::minutes read_again_after{5};

struct django_state {
  std::string schedule;
  bool enabled = false;
  time_point anchor, counts_from;
  std::optional<time_point> last_due;
};
using django_states = std::map<std::string, django_state, std::less<>>;

class django_schedules final : public sql_schedules {
 public:
  using sql_schedules::sql_schedules;
  expected<void> prepare(deadline until) override;
  expected<changes> read(std::uint64_t since, deadline until) override;
  expected<void> put(std::span<entry const> entries, put_mode mode, deadline until) override;
  expected<bool> remove(std::string_view name, deadline until) override;
  expected<bool> enable(std::string_view name, bool on, deadline until) override;

 protected:
  [[nodiscard]] std::string_view past_statement() const override {
    return "UPDATE lovage_beat_django SET counts_from = CASE WHEN counts_from < ? THEN ? ELSE counts_from END "
           "WHERE name = ?";
  }
  expected<void> note_more(session& on, sent_note const& n, deadline until) override;

 private:
  [[nodiscard]] expected<std::uint64_t> version(session& on, deadline until);
  [[nodiscard]] expected<std::vector<entry>> read_django(session& on, deadline until);
  [[nodiscard]] expected<void> disable_expired(session& on, deadline until);
  [[nodiscard]] expected<void> settle(session& on, django_row& r, django_states& states, deadline until);
  [[nodiscard]] expected<bool> is_djangos(session& on, std::string_view name, deadline until);
  [[nodiscard]] expected<void> tell_django(session& on, deadline until);
  void complain(std::string const& about);

  std::mutex mutex_;  // guards what follows
  time_point read_at_{};
  std::set<std::string> told_;
};

expected<void> django_schedules::prepare(deadline until) {
  if (auto ready = sql_schedules::prepare(until); !ready) return ready;
  return pool().run(until, [&](session& on) -> expected<void> {
    auto const there = on.run("SELECT ident FROM django_celery_beat_periodictasks", {}, until);
    if (!there && there.error().code == errc::bad_config)
      return fail(errc::bad_config,
                  "this database has no tables of django-celery-beat: run 'manage.py migrate' with it "
                  "in INSTALLED_APPS, or give another django_database_url: " +
                      there.error().text());
    if (!there) return fail(there.error());
    return on.script("CREATE TABLE IF NOT EXISTS lovage_beat_django (name " + name_column(on.kind()) +
                         " NOT NULL PRIMARY KEY, schedule " + name_column(on.kind()) +
                         " NOT NULL, enabled BIGINT NOT NULL, anchor BIGINT NOT NULL, counts_from BIGINT NOT NULL, "
                         "last_due BIGINT)",
                     until);
  });
}

// One number of both counters: another one means that something changed.
expected<std::uint64_t> django_schedules::version(session& on, deadline until) {
  auto const own = one_row(on, "SELECT counter FROM lovage_beat_lead WHERE id = 1", {}, until);
  if (!own) return fail(own.error());
  auto const django =
      one_row(on, "SELECT last_update FROM django_celery_beat_periodictasks WHERE ident = 1", {}, until);
  if (!django) return fail(django.error());
  auto const at = *django ? cell_moment((**django)[0]).value_or(time_point{}) : time_point{};
  auto const counter = *own ? static_cast<std::uint64_t>(cell_number((**own)[0])) : 0;
  return static_cast<std::uint64_t>(micros_of(at)) * 31 + counter + 1;
}

expected<changes> django_schedules::read(std::uint64_t since, deadline until) {
  auto const before = pool().run(until, [&](session& on) { return version(on, until); });
  if (!before) return fail(before.error());
  {
    std::lock_guard const lock{mutex_};
    if (since == *before && now() - read_at_ < read_again_after && now() >= read_at_) {
      changes nothing;
      nothing.counter = since;
      return nothing;
    }
  }
  auto out = sql_schedules::read(0, until);
  if (!out) return out;
  auto django = pool().run_in_transaction(until, [&](session& on) { return read_django(on, until); });
  if (!django) return fail(django.error());
  // An entry of Django's goes before one of ours that has its name.
  std::set<std::string_view> names;
  for (auto const& e : *django) names.insert(e.name);
  std::erase_if(out->put, [&](entry const& e) { return names.contains(e.name); });
  std::move(django->begin(), django->end(), std::back_inserter(out->put));
  out->all = true;
  out->counter = *before;
  std::lock_guard const lock{mutex_};
  read_at_ = now();
  return out;
}

void django_schedules::complain(std::string const& about) {
  std::lock_guard const lock{mutex_};
  if (told_.insert(about).second) log::error("beat: passed over: " + about);
}

expected<std::vector<entry>> django_schedules::read_django(session& on, deadline until) {
  if (auto done = disable_expired(on, until); !done) return fail(done.error());
  auto const kept =
      on.run("SELECT name, schedule, enabled, anchor, counts_from, last_due FROM lovage_beat_django", {}, until);
  if (!kept) return fail(kept.error());
  django_states states;
  for (auto const& r : kept->rows)
    states.emplace(cell_text(r[0]), django_state{cell_text(r[1]), cell_number(r[2]) != 0, at_micros(cell_number(r[3])),
                                                 at_micros(cell_number(r[4])), cell_moment(r[5])});
  auto const rows = on.run(django_select, {}, until);
  if (!rows) return fail(rows.error());
  std::vector<entry> out;
  std::set<std::string> names;
  for (auto const& r : rows->rows) {
    names.insert(django_name(r));
    auto read = django_entry(r);
    if (!read) {
      complain(read.error().text());
      continue;
    }
    if (auto settled = settle(on, *read, states, until); !settled) return fail(settled.error());
    out.push_back(std::move(read->is));
  }
  for (auto const& [name, state] : states) {
    if (names.contains(name)) continue;
    std::array<cell, 1> const by_name{name};
    for (std::string_view text :
         {std::string_view{"DELETE FROM lovage_beat_django WHERE name = ?"},
          std::string_view{"DELETE FROM lovage_beat_claim WHERE entry = ? AND sent_at IS NULL"}})
      if (auto gone = on.run(text, by_name, until); !gone) return fail(gone.error());
  }
  return out;
}

// Puts what is kept of an entry into it, and keeps what is new.
expected<void> django_schedules::settle(session& on, django_row& r, django_states& states, deadline until) {
  auto& e = r.is;
  auto text = e.when.text();
  if (e.with.start_) text += " start " + schedule{clocked{*e.with.start_}}.text();
  auto const [there, fresh] = states.try_emplace(e.name);
  auto& state = there->second;
  auto const* const once = std::get_if<clocked>(&e.when.kind());
  bool const other = state.schedule != text;
  if (fresh || other || state.enabled != e.enabled) {
    bool const resumed = !fresh && e.enabled && !state.enabled;
    auto const begin = fresh ? e.last_run_at.value_or(r.changed) : now();
    if (fresh || other) state.anchor = begin;
    if (fresh || other || resumed) state.counts_from = begin;
    // A moment that has passed still counts: that is what Django's scheduler makes of it.
    if (once && (fresh || other) && !e.last_run_at)
      state.counts_from = std::min(begin, once->at() - std::chrono::microseconds{1});
    state.schedule = text, state.enabled = e.enabled;
    std::array<cell, 5> const values{text, std::int64_t{e.enabled}, micros_of(state.anchor),
                                     micros_of(state.counts_from), e.name};
    auto const kept =
        fresh
            ? on.run(
                  "INSERT INTO lovage_beat_django(schedule, enabled, anchor, counts_from, name) VALUES (?, ?, ?, ?, ?)",
                  values, until)
            : on.run(
                  "UPDATE lovage_beat_django SET schedule = ?, enabled = ?, anchor = ?, counts_from = ? WHERE name = ?",
                  values, until);
    if (!kept) return fail(kept.error());
  }
  anchor_interval(e, state.anchor);
  e.counts_from = state.counts_from;
  e.last_due = state.last_due;
  return {};
}

expected<void> django_schedules::disable_expired(session& on, deadline until) {
  std::array<cell, 1> const at{now()};
  auto const gone = on.run(
      "UPDATE django_celery_beat_periodictask SET enabled = FALSE "
      "WHERE enabled AND expires IS NOT NULL AND expires <= ?",
      at, until);
  if (!gone) return fail(gone.error());
  return {};
}

expected<void> django_schedules::tell_django(session& on, deadline until) {
  std::array<cell, 1> const at{now()};
  auto const told = on.run("UPDATE django_celery_beat_periodictasks SET last_update = ? WHERE ident = 1", at, until);
  if (!told) return fail(told.error());
  if (told->changed != 0) return {};
  return done(on.run("INSERT INTO django_celery_beat_periodictasks(ident, last_update) VALUES (1, ?)", at, until));
}

expected<void> django_schedules::note_more(session& on, sent_note const& n, deadline until) {
  std::string const name{n.entry};
  std::array<cell, 2> const due{micros_of(n.due), name}, run{n.at, name};
  std::array<cell, 1> const by_name{name};
  auto const kept = on.run("UPDATE lovage_beat_django SET last_due = ? WHERE name = ?", due, until);
  if (!kept || kept->changed == 0) return done(kept);
  auto const counted = on.run(
      "UPDATE django_celery_beat_periodictask SET last_run_at = ?, "
      "total_run_count = total_run_count + 1 WHERE name = ?",
      run, until);
  if (!counted || !n.last) return done(counted);
  // The count begins anew: with another one Django's scheduler would disable the entry when somebody enables it.
  auto const ended = on.run(
      "UPDATE django_celery_beat_periodictask SET enabled = FALSE, total_run_count = 0 WHERE name = ?", by_name, until);
  if (!ended) return fail(ended.error());
  return tell_django(on, until);
}

expected<bool> django_schedules::is_djangos(session& on, std::string_view name, deadline until) {
  std::array<cell, 1> const by_name{std::string{name}};
  auto const there = one_row(on, "SELECT name FROM django_celery_beat_periodictask WHERE name = ?", by_name, until);
  if (!there) return fail(there.error());
  return there->has_value();
}

failure belongs_to_django(std::string_view name) {
  return fail(errc::not_supported,
              "the periodic task '" + std::string{name} +
                  "' is Django's: change or remove it in Django's admin; pause and resume work here");
}

expected<void> django_schedules::put(std::span<entry const> entries, put_mode mode, deadline until) {
  for (auto const& e : entries) {
    auto const theirs = pool().run(until, [&](session& on) { return is_djangos(on, e.name, until); });
    if (!theirs) return fail(theirs.error());
    if (*theirs) return belongs_to_django(e.name);
  }
  return sql_schedules::put(entries, mode, until);
}

expected<bool> django_schedules::remove(std::string_view name, deadline until) {
  auto const theirs = pool().run(until, [&](session& on) { return is_djangos(on, name, until); });
  if (!theirs) return fail(theirs.error());
  if (*theirs) return belongs_to_django(name);
  return sql_schedules::remove(name, until);
}

expected<bool> django_schedules::enable(std::string_view name, bool on_off, deadline until) {
  auto const switched = pool().run_in_transaction(until, [&](session& on) -> expected<bool> {
    auto const theirs = is_djangos(on, name, until);
    if (!theirs || !*theirs) return theirs;
    std::array<cell, 2> const values{now(), std::string{name}};
    auto const changed = on.run(
        on_off ? std::string_view{"UPDATE django_celery_beat_periodictask SET enabled = TRUE, date_changed = ? WHERE "
                                  "name = ?"}
               : std::string_view{"UPDATE django_celery_beat_periodictask SET enabled = FALSE, last_run_at = NULL, "
                                  "date_changed = ? WHERE name = ?"},
        values, until);
    if (!changed) return fail(changed.error());
    if (auto told = tell_django(on, until); !told) return fail(told.error());
    return true;
  });
  if (!switched || *switched) return switched;
  return sql_schedules::enable(name, on_off, until);
}

}  // namespace

expected<std::shared_ptr<schedule_store>> make_django_store(store_settings with, deadline until) {
  constexpr std::string_view prefix = "django+";
  auto url = with.connection.urls;
  if (url.starts_with(prefix)) url.erase(0, prefix.size());
  auto pool = sql::session_pool::make(url);
  if (!pool) return fail(pool.error());
  auto out = std::make_shared<django_schedules>(*std::move(pool), std::move(with.now));
  if (auto ready = out->prepare(until); !ready) return fail(ready.error());
  return std::shared_ptr<schedule_store>{std::move(out)};
}

}  // namespace lovage::beats
