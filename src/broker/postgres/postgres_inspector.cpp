#include "broker/postgres/parts.hpp"

#include <limits>
#include <mutex>

namespace lovage::broker::postgres_broker {
namespace {

using namespace std::chrono_literals;

constexpr auto inspector_patience = 30s;
constexpr std::int64_t purged_at_once = 20'000;

// What a worker held whose lock is free is ready: whoever comes next takes it.
constexpr std::string_view count_queues =
    "WITH gone AS MATERIALIZED (SELECT id FROM lovage.session WHERE pg_try_advisory_xact_lock_shared(2776602, id)), "
    "m AS (SELECT queue, count(*) FILTER (WHERE session = 0 OR session IN (SELECT id FROM gone)) AS ready,"
    " count(*) AS here FROM lovage.message GROUP BY queue), "
    "l AS (SELECT queue, count(*) AS later FROM lovage.delayed GROUP BY queue), "
    "d AS (SELECT queue, count(*) AS dead FROM lovage.dead GROUP BY queue) "
    "SELECT q.name, coalesce(m.ready, 0), coalesce(l.later, 0), coalesce(m.here - m.ready, 0), coalesce(d.dead, 0)"
    " FROM lovage.queue q LEFT JOIN m ON m.queue = q.id LEFT JOIN l ON l.queue = q.id LEFT JOIN d ON d.queue = q.id"
    " ORDER BY q.name";
constexpr std::string_view purge_ready =
    "DELETE FROM lovage.message WHERE session = 0 AND ctid = ANY (ARRAY(SELECT ctid FROM lovage.message"
    " WHERE queue = (SELECT id FROM lovage.queue WHERE name = $1) AND session = 0 LIMIT $2))";
constexpr std::string_view purge_delayed =
    "DELETE FROM lovage.delayed WHERE ctid = ANY (ARRAY(SELECT ctid FROM lovage.delayed"
    " WHERE queue = (SELECT id FROM lovage.queue WHERE name = $1) LIMIT $2))";
#define LOVAGE_DEAD_ROW                                                                                          \
  "SELECT d.id, q.name, d.reason, (extract(epoch FROM d.died_at) * 1000000)::bigint, d.attempts, d.head, d.body" \
  " FROM lovage.dead d JOIN lovage.queue q ON q.id = d.queue "
constexpr std::string_view dead_of_queue = LOVAGE_DEAD_ROW "WHERE $1 = '' OR q.name = $1 ORDER BY d.id LIMIT $2";
constexpr std::string_view dead_of_id = LOVAGE_DEAD_ROW "WHERE d.id = $1";
#undef LOVAGE_DEAD_ROW
#define LOVAGE_DEAD_CHOSEN                                                                                 \
  "DELETE FROM lovage.dead WHERE CASE WHEN cardinality($2) > 0 THEN id = ANY ($2) ELSE $1 = '' OR queue =" \
  " (SELECT q.id FROM lovage.queue q WHERE q.name = $1) END"
constexpr std::string_view remove_chosen = LOVAGE_DEAD_CHOSEN;
constexpr std::string_view redrive_chosen = "WITH gone AS (" LOVAGE_DEAD_CHOSEN
                                            " RETURNING id, queue, rank, head, body) "
                                            "INSERT INTO lovage.message (queue, rank, redelivered, head, body)"
                                            " SELECT queue, rank, true, head, body FROM gone ORDER BY id";
#undef LOVAGE_DEAD_CHOSEN
constexpr std::string_view wake_everybody = "SELECT pg_notify('lovage', '')";
// In turn, so that numbers become visible in their order: readers ask for what is beyond the last that they saw.
constexpr std::string_view lock_revoked = "SELECT pg_advisory_xact_lock(2776600, 1)";
constexpr std::string_view add_revoked =
    "INSERT INTO lovage.revoked (stamp, text, until)"
    " SELECT stamp, what, timestamptz 'epoch' + until * interval '1 microsecond'"
    " FROM unnest($1, $2, $3) AS r (stamp, what, until)";
constexpr std::string_view forget_revoked =
    "DELETE FROM lovage.revoked WHERE until <= now() OR seq <= (SELECT max(seq) FROM lovage.revoked) - $1";
constexpr std::string_view set_paused =  // also one that nobody has named yet
    "INSERT INTO lovage.queue (name, paused) VALUES ($1, true) ON CONFLICT (name) DO UPDATE SET paused = true";
constexpr std::string_view end_pause = "UPDATE lovage.queue SET paused = false WHERE name = $1";
constexpr std::string_view list_paused = "SELECT name FROM lovage.queue WHERE paused ORDER BY name";

class postgres_inspector final : public inspector {
 public:
  explicit postgres_inspector(std::shared_ptr<shared> on) : line_{std::move(on), {}} {}

  expected<std::vector<queue_info>> queues() override;
  expected<std::uint64_t> purge(queue_name const& queue) override;
  expected<std::vector<dead_message>> dead(queue_name const& queue, std::size_t max) override;
  expected<std::optional<dead_message>> dead_one(std::uint64_t id) override;
  expected<std::uint64_t> redrive(queue_name const& queue, std::span<std::uint64_t const> ids) override;
  expected<std::uint64_t> purge_dead(queue_name const& queue, std::span<std::uint64_t const> ids) override;
  expected<void> revoke(std::span<revocation const> what) override;
  expected<void> pause(queue_name const& queue) override;
  expected<void> resume(queue_name const& queue) override;
  expected<std::vector<queue_name>> paused() override;

 private:
  [[nodiscard]] expected<std::vector<postgres_rows>> ask(std::span<postgres_call const> calls);
  [[nodiscard]] expected<postgres_rows> ask_one(postgres_call const& call);
  [[nodiscard]] expected<std::uint64_t> purge_in(std::string_view statement, queue_name const& queue);
  [[nodiscard]] static dead_message read_dead(postgres_rows const& rows, std::size_t row);
  [[nodiscard]] expected<void> set_pause(queue_name const& queue, bool on);

  std::mutex mutex_;  // guards line_
  line line_;
};

expected<std::vector<postgres_rows>> postgres_inspector::ask(std::span<postgres_call const> calls) {
  std::lock_guard const lock{mutex_};
  auto const until = deadline::in(inspector_patience);
  if (auto up = line_.ensure(until); !up) return fail(up.error());
  return line_.exchange(calls, until);
}

expected<postgres_rows> postgres_inspector::ask_one(postgres_call const& call) {
  auto all = ask({&call, 1});
  if (!all) return fail(all.error());
  return std::move(all->back());
}

expected<std::vector<queue_info>> postgres_inspector::queues() {
  auto const rows = ask_one({count_queues});
  if (!rows) return fail(rows.error());
  std::vector<queue_info> out;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    auto const number = [&](int column) { return static_cast<std::uint64_t>(rows->integer(i, column)); };
    out.push_back({queue_name{std::string{rows->text(i, 0)}}, number(1), number(2), number(3), number(4)});
  }
  return out;
}

// In batches, so that nobody waits long.
expected<std::uint64_t> postgres_inspector::purge_in(std::string_view statement, queue_name const& queue) {
  std::uint64_t removed = 0;
  while (true) {
    postgres_call call{statement};
    call.values.text(queue.str()).integer(purged_at_once);
    auto const gone = ask_one(call);
    if (!gone) return fail(gone.error());
    removed += gone->changed();
    if (gone->changed() == 0) return removed;
  }
}

expected<std::uint64_t> postgres_inspector::purge(queue_name const& queue) {
  auto const ready = purge_in(purge_ready, queue);
  if (!ready) return ready;
  auto const delayed = purge_in(purge_delayed, queue);
  if (!delayed) return delayed;
  return *ready + *delayed;
}

dead_message postgres_inspector::read_dead(postgres_rows const& rows, std::size_t row) {
  dead_message out;
  out.id = static_cast<std::uint64_t>(rows.integer(row, 0));
  out.queue = queue_name{std::string{rows.text(row, 1)}};
  out.reason = rows.text(row, 2);
  out.died_at = moment_of(rows.integer(row, 3));
  out.attempts = static_cast<std::uint32_t>(rows.integer(row, 4));
  (void)read_row_head(rows.text(row, 5), out.envelope);  // damaged: that is its reason; the body is shown all the same
  out.envelope.body = rows.text(row, 6);
  return out;
}

expected<std::vector<dead_message>> postgres_inspector::dead(queue_name const& queue, std::size_t max) {
  postgres_call call{dead_of_queue};
  auto const most = std::min<std::size_t>(max, std::numeric_limits<std::int64_t>::max());
  call.values.text(queue.str()).integer(static_cast<std::int64_t>(most));
  auto const rows = ask_one(call);
  if (!rows) return fail(rows.error());
  std::vector<dead_message> out;
  for (std::size_t i = 0; i < rows->size(); ++i) out.push_back(read_dead(*rows, i));
  return out;
}

expected<std::optional<dead_message>> postgres_inspector::dead_one(std::uint64_t id) {
  postgres_call call{dead_of_id};
  call.values.integer(static_cast<std::int64_t>(id));
  auto const rows = ask_one(call);
  if (!rows) return fail(rows.error());
  if (rows->size() == 0) return std::optional<dead_message>{};
  return std::optional{read_dead(*rows, 0)};
}

expected<std::uint64_t> postgres_inspector::redrive(queue_name const& queue, std::span<std::uint64_t const> ids) {
  std::vector<postgres_call> calls{{redrive_chosen}, {wake_everybody}};
  calls[0].values.text(queue.str()).integers(std::vector<std::int64_t>{ids.begin(), ids.end()});
  auto const done = ask(calls);
  if (!done) return fail(done.error());
  return done->front().changed();
}

expected<std::uint64_t> postgres_inspector::purge_dead(queue_name const& queue, std::span<std::uint64_t const> ids) {
  postgres_call call{remove_chosen};
  call.values.text(queue.str()).integers(std::vector<std::int64_t>{ids.begin(), ids.end()});
  auto const done = ask_one(call);
  if (!done) return fail(done.error());
  return done->changed();
}

expected<void> postgres_inspector::revoke(std::span<revocation const> what) {
  std::vector<std::string_view> stamps, texts;
  std::vector<std::int64_t> until;
  for (auto const& r : what) {
    stamps.push_back(r.stamp);
    texts.push_back(r.text);
    until.push_back(r.until.time_since_epoch().count());
  }
  std::vector<postgres_call> calls{{lock_revoked}, {add_revoked}, {forget_revoked}, {wake_everybody}};
  calls[1].values.texts(stamps).texts(texts).integers(until);
  calls[2].values.integer(static_cast<std::int64_t>(revocations_kept));
  if (auto done = ask(calls); !done) return fail(done.error());
  return {};
}

expected<void> postgres_inspector::set_pause(queue_name const& queue, bool on) {
  std::vector<postgres_call> calls{{on ? set_paused : end_pause}, {wake_everybody}};
  calls[0].values.text(queue.str());
  if (auto done = ask(calls); !done) return fail(done.error());
  return {};
}

expected<void> postgres_inspector::pause(queue_name const& queue) { return set_pause(queue, true); }
expected<void> postgres_inspector::resume(queue_name const& queue) { return set_pause(queue, false); }

expected<std::vector<queue_name>> postgres_inspector::paused() {
  auto const rows = ask_one({list_paused});
  if (!rows) return fail(rows.error());
  std::vector<queue_name> out;
  for (std::size_t i = 0; i < rows->size(); ++i) out.emplace_back(std::string{rows->text(i, 0)});
  return out;
}

}  // namespace

std::unique_ptr<inspector> make_inspector(std::shared_ptr<shared> on) {
  return std::make_unique<postgres_inspector>(std::move(on));
}

}  // namespace lovage::broker::postgres_broker
