#include "broker/postgres/membership.hpp"

#include "core/log.hpp"

#include <algorithm>

namespace lovage::broker::postgres_broker {
namespace {

using namespace std::chrono_literals;

constexpr auto free_for = 1s;        // a connection that was lost is made again within that
constexpr auto settles_soon = 20ms;  // a task that is done within this time leaves no mark

// On the disk before it is ours: a server that forgot it would give the same id to another.
constexpr std::string_view wait_for_disk = "SELECT set_config('synchronous_commit', 'on', true)";
constexpr std::string_view new_row = "INSERT INTO lovage.session (name) VALUES ($1) RETURNING id";
// What holds our lock is what is left of a connection that we have given up.
constexpr std::string_view break_lock =
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 2776602"
    " AND objid = $1::oid AND objsubid = 2 AND pid <> pg_backend_pid()"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
constexpr std::string_view take_lock = "SELECT pg_advisory_lock(2776602, $1::int)";
constexpr std::string_view write_row =
    "INSERT INTO lovage.session (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET beat = session.beat + 1";
constexpr std::string_view server_age =
    "SELECT (extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()) * 1000)::bigint";
constexpr std::string_view count_beat = "UPDATE lovage.session SET beat = beat + 1 WHERE id = $1";
constexpr std::string_view mark_begun = "UPDATE lovage.session SET begun = $2 WHERE id = $1";
constexpr std::string_view see_others =
    "SELECT id, beat, name, pg_try_advisory_xact_lock_shared(2776602, id) FROM lovage.session WHERE id <> $1";
constexpr std::string_view give_back_of = "SELECT lovage.give_back($1::int)";
constexpr std::string_view remove_row = "DELETE FROM lovage.session WHERE id = $1";
constexpr std::string_view drop_lock = "SELECT pg_advisory_unlock_all()";

postgres_call of_session(std::string_view text, std::int64_t id) {
  postgres_call out{text};
  out.values.integer(id);
  return out;
}

}  // namespace

expected<void> membership::join(line& over, deadline until) {
  if (id_ == 0) {
    std::vector<postgres_call> calls{{wait_for_disk}, {new_row}};
    calls[1].values.text(name_);
    auto const made = over.exchange(calls, until);
    if (!made) return fail(made.error());
    id_ = made->back().integer(0, 0);
  }
  std::vector<postgres_call> calls{of_session(break_lock, id_), of_session(take_lock, id_), {write_row}, {server_age}};
  calls[2].values.integer(id_).text(name_);
  calls[0].ends = true;
  auto const said = over.exchange(calls, until);
  if (!said) return fail(said.error());
  auto const settled_after = on_->how.lovage_lease / 2;
  auto const age = std::chrono::milliseconds{said->back().integer(0, 0)};
  trusted_from_ = clock::now() + (joined_ == 0 ? settled_after - std::min(age, settled_after) : settled_after);
  joined_ = over.sessions();
  beaten_ = clock::now();
  marks_ = {0};  // not known
  others_.clear();
  return {};
}

bool membership::trusts_locks() const { return clock::now() >= trusted_from_; }

expected<void> membership::beat(line& over, deadline until) {
  if (clock::now() - beaten_ < on_->how.lovage_lease / 3) return {};
  auto const counted = over.exchange_one(of_session(count_beat, id_), until);
  if (!counted) return fail(counted.error());
  beaten_ = clock::now();
  if (counted->changed() == 1) return {};
  log::warning("this worker was stopped or cut off, and its tasks were given back; others run them too");
  return join(over, until);
}

expected<void> membership::write_marks(line& over, holdings const& held, deadline until) {
  auto marks = held.running(clock::now() - settles_soon);
  if (marks == marks_) return {};
  std::vector<std::int64_t> const ids{marks.begin(), marks.end()};
  auto call = of_session(mark_begun, id_);
  call.values.integers(ids);
  if (auto written = over.exchange_one(call, until); !written) return fail(written.error());
  marks_ = std::move(marks);
  return {};
}

expected<void> membership::tick(line& over, holdings const& held, deadline until) {
  if (auto counted = beat(over, until); !counted) return counted;
  if (auto written = write_marks(over, held, until); !written) return written;
  return look_at_others(over, until);
}

expected<void> membership::look_at_others(line& over, deadline until) {
  auto const all = over.exchange_one(of_session(see_others, id_), until);
  if (!all) return fail(all.error());
  std::map<std::int64_t, watched> seen;
  auto const now = clock::now();
  for (std::size_t i = 0; i < all->size(); ++i) {
    auto const id = all->integer(i, 0), beat = all->integer(i, 1);
    auto& w = seen[id] = others_[id];
    if (w.beat != beat) w.beat = beat, w.since = now;
    bool const is_free = all->integer(i, 3) != 0;
    if (!is_free) w.free_since = {};
    if (is_free && w.free_since == clock::time_point{}) w.free_since = now;
    if (!trusts_locks()) continue;
    if (is_free && now - w.free_since >= free_for) {
      if (auto done = give_back(over, id, std::string{all->text(i, 2)}, until); !done) return done;
      seen.erase(id);
    } else if (!is_free && now - w.since > on_->how.lovage_lease) {
      log::warning("worker " + std::string{all->text(i, 2)} +
                   " has not been heard of for a lease; its connection is ended");
      if (auto ended = over.exchange_one(of_session(break_lock, id), until); !ended) return fail(ended.error());
      w.since = now;
    }
  }
  others_ = std::move(seen);
  return {};
}

expected<void> membership::give_back(line& over, std::int64_t id, std::string const& name, deadline until) {
  auto const given = over.exchange_one(of_session(give_back_of, id), until);
  if (!given) return fail(given.error());
  if (auto const count = given->integer(0, 0); count >= 0)
    log::warning("worker " + name + " is gone; its tasks are given back: " + std::to_string(count));
  return {};
}

expected<void> membership::leave(line& over, deadline until) {
  if (id_ == 0 || !joined(over)) return {};
  std::vector<postgres_call> const calls{of_session(remove_row, id_), {drop_lock}};
  if (auto done = over.exchange(calls, until); !done) return fail(done.error());
  return {};
}

}  // namespace lovage::broker::postgres_broker
