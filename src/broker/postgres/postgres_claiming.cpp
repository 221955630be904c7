// The part of the consumer that claims. One queue takes one statement; of several the best are read first, chosen
// among, and then those are claimed that nobody else has taken meanwhile.
#include "broker/postgres/postgres_consumer.hpp"
#include "core/log.hpp"

#include <algorithm>
#include <deque>
#include <limits>

namespace lovage::broker::postgres_broker {
namespace {

using namespace std::chrono_literals;

// A look takes this long however near its deadline is: that is work, not waiting.
constexpr auto look_grace = 1s;
constexpr auto promote_interval = 50ms;  // of one who has always something to do
constexpr int awake_after = 3;           // looks that found something: publishers need not wake us

constexpr std::string_view promote_due =
    "WITH d AS (DELETE FROM lovage.delayed WHERE (due, id) IN (SELECT due, id FROM lovage.delayed"
    " WHERE due <= clock_timestamp() ORDER BY due, id LIMIT 1000 FOR UPDATE SKIP LOCKED)"
    " RETURNING id, queue, rank, attempts, redelivered, head, body), "
    "m AS (INSERT INTO lovage.message (id, queue, rank, attempts, redelivered, head, body) SELECT * FROM d"
    " RETURNING queue) "
    "SELECT pg_notify('lovage_' || queue, '') FROM (SELECT DISTINCT queue FROM m) AS of";
constexpr std::string_view fall_asleep = "SELECT pg_advisory_lock_shared(2776603, q::int) FROM unnest($1) AS q";
constexpr std::string_view wake_up = "SELECT pg_advisory_unlock_shared(2776603, q::int) FROM unnest($1) AS q";
constexpr std::string_view new_revocations =
    "SELECT seq, stamp, text, (extract(epoch FROM until) * 1000000)::bigint FROM lovage.revoked WHERE seq > $1 "
    "ORDER BY seq";
constexpr std::string_view time_to_next_due =
    "SELECT greatest(0, extract(epoch FROM due - clock_timestamp()) * 1000000)::bigint FROM lovage.delayed "
    "ORDER BY due LIMIT 1";
#define LOVAGE_CLAIMED_COLUMNS "RETURNING id, rank, attempts, redelivered, head, body, queue"
#define LOVAGE_READY_OF_QUEUE                                 \
  "FROM lovage.message WHERE queue = $1::int AND session = 0" \
  " AND NOT EXISTS (SELECT FROM lovage.queue WHERE id = $1::int AND paused) ORDER BY rank, id LIMIT $2"
// By place in the file: rows that we have locked stay there until the end of the statement.
constexpr std::string_view claim_of_one_queue =
    "WITH best AS MATERIALIZED (SELECT ctid AS at, rank, id, octet_length(body) AS octets " LOVAGE_READY_OF_QUEUE
    " FOR UPDATE SKIP LOCKED), "
    "fitting AS (SELECT at, sum(octets) OVER (ORDER BY rank, id) - octets AS before FROM best) "
    "UPDATE lovage.message SET session = $3::int"
    " WHERE ctid = ANY (ARRAY(SELECT at FROM fitting WHERE before < $4)) " LOVAGE_CLAIMED_COLUMNS;
constexpr std::string_view candidates_of_queue = "SELECT rank, id, octet_length(body) " LOVAGE_READY_OF_QUEUE;
constexpr std::string_view claim_these =
    "UPDATE lovage.message SET session = $1::int WHERE ctid = ANY (ARRAY("
    "SELECT m.ctid FROM unnest($2, $3, $4) AS k (queue, rank, id) JOIN lovage.message m"
    " ON m.queue = k.queue::int AND m.rank = k.rank::smallint AND m.id = k.id"
    " WHERE m.session = 0 FOR UPDATE OF m SKIP LOCKED)) " LOVAGE_CLAIMED_COLUMNS;
#undef LOVAGE_READY_OF_QUEUE
#undef LOVAGE_CLAIMED_COLUMNS

std::int64_t bounded(std::size_t n) {
  return static_cast<std::int64_t>(std::min<std::size_t>(n, std::numeric_limits<std::int64_t>::max()));
}

}  // namespace

// What is there first: promotion, sleeping or waking, revocations, the next due time; each with its answer.
std::vector<postgres_call> postgres_consumer::chores(bool about_to_sleep) {
  std::vector<postgres_call> out;
  auto const now = clock::now();
  if (now >= std::min(promote_at_, due_at_)) {
    out.push_back({promote_due});
    promote_at_ = now + promote_interval;
    due_at_ = clock::time_point::max();
  }
  add_sleep_or_waking(out, about_to_sleep);
  return out;
}

bool postgres_consumer::asleep() const {
  return std::all_of(served_.begin(), served_.end(), [&](auto place) {
    return std::find(asleep_on_.begin(), asleep_on_.end(), queue_ids_[place]) != asleep_on_.end();
  });
}

void postgres_consumer::add_sleep_or_waking(std::vector<postgres_call>& to, bool about_to_sleep) {
  if (!about_to_sleep && (asleep_on_.empty() || busy_looks_ < awake_after)) return;
  to.push_back({wake_up});
  to.back().values.integers(std::exchange(asleep_on_, {}));
  if (!about_to_sleep) return;
  for (auto const place : served_) asleep_on_.push_back(queue_ids_[place]);
  to.push_back({fall_asleep});
  to.back().values.integers(asleep_on_);
}

void postgres_consumer::add_claim_or_candidates(std::vector<postgres_call>& to, std::size_t max) const {
  if (served_.size() == 1) {
    to.push_back({claim_of_one_queue});
    to.back().values.integer(queue_ids_[served_[0]]).integer(bounded(max)).integer(member_.id());
    to.back().values.integer(bounded(std::max<std::size_t>(allowed_, 1)));
    return;
  }
  for (auto const place : served_) {
    to.push_back({candidates_of_queue});
    to.back().values.integer(queue_ids_[place]).integer(bounded(max));
  }
}

expected<std::vector<delivery>> postgres_consumer::look(std::size_t max, deadline until) {
  if (auto up = connect(until); !up) return fail(up.error());
  (void)line_.session().notified();  // it has woken us; each look reads all
  auto const grace = deadline::in(look_grace);
  auto const by = on_->within_heartbeat(until.when() < grace.when() ? grace : until);
  auto got = look_once(max, false, by);
  if (got && got->empty() && !asleep()) got = look_once(max, true, by);
  return got;
}

expected<std::vector<delivery>> postgres_consumer::look_once(std::size_t max, bool about_to_sleep, deadline until) {
  auto calls = chores(about_to_sleep);
  auto const first = calls.size();
  add_claim_or_candidates(calls, max);
  auto const revoked = calls.size();
  calls.push_back({new_revocations});
  calls.back().values.integer(revoked_seen_);
  if (asleep()) calls.push_back({time_to_next_due});
  bool const claims = served_.size() == 1;
  auto const said = line_.exchange(calls, until);
  if (!said) return fail(said.error());
  read_revoked((*said)[revoked]);
  if (asleep()) read_next_due(said->back());
  auto got = claims ? accept((*said)[first], until)
                    : claim_chosen(choose({said->data() + first, revoked - first}, max), until);
  if (got && !got->empty()) ++busy_looks_;
  return got;
}

void postgres_consumer::read_revoked(postgres_rows const& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    revoked_seen_ = rows.integer(i, 0);
    revoked_.push_back({std::string{rows.text(i, 1)}, std::string{rows.text(i, 2)}, moment_of(rows.integer(i, 3))});
  }
}

void postgres_consumer::read_next_due(postgres_rows const& rows) {
  due_at_ = clock::time_point::max();
  if (rows.size() > 0)
    due_at_ = clock::now() + std::chrono::microseconds{std::min(rows.integer(0, 0), std::int64_t{3'600'000'000})};
}

// The best of each queue, merged as the order of the queues says.
std::vector<postgres_consumer::candidate> postgres_consumer::choose(std::span<postgres_rows const> lanes,
                                                                    std::size_t max) {
  std::vector<std::size_t> next(lanes.size());
  std::vector<candidate> out;
  std::size_t octets = 0;
  while (out.size() < max && octets < std::max<std::size_t>(allowed_, 1)) {
    std::vector<queue_picker::candidate> heads;
    std::vector<std::size_t> of;
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      if (next[i] == lanes[i].size()) continue;
      heads.push_back({served_[i], static_cast<int>(9 - lanes[i].integer(next[i], 0))});
      of.push_back(i);
    }
    if (heads.empty()) break;
    auto const lane = of[queues_.picker().pick(heads)];
    auto const& rows = lanes[lane];
    auto const row = next[lane]++;
    auto const place = served_[lane];
    out.push_back({{queue_ids_[place], rows.integer(row, 0), rows.integer(row, 1)},
                   place,
                   static_cast<std::size_t>(rows.integer(row, 2))});
    octets += out.back().octets;
  }
  return out;
}

// In the order in which they were chosen. When others have taken all of them, there may be more: look again.
expected<std::vector<delivery>> postgres_consumer::claim_chosen(std::vector<candidate> const& chosen, deadline until) {
  if (chosen.empty()) return deliveries{};
  std::vector<std::int64_t> queues, ranks, ids;
  for (auto const& c : chosen) {
    queues.push_back(c.key.queue);
    ranks.push_back(c.key.rank);
    ids.push_back(c.key.id);
  }
  postgres_call call{claim_these};
  call.values.integer(member_.id()).integers(queues).integers(ranks).integers(ids);
  auto const said = line_.exchange_one(call, until);
  if (!said) return fail(said.error());
  auto got = accept(*said, until);
  if (!got) return got;
  auto const turn = [&](delivery const& d) {
    return std::find(ids.begin(), ids.end(), static_cast<std::int64_t>(d.tag)) - ids.begin();
  };
  std::sort(got->begin(), got->end(), [&](auto const& a, auto const& b) { return turn(a) < turn(b); });
  if (got->empty() && said->size() == 0 && !until.passed()) wake_.raise();
  return got;
}

expected<std::vector<delivery>> postgres_consumer::accept(postgres_rows const& rows, deadline until) {
  deliveries out;
  std::vector<settlement> damaged;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    row_key const key{rows.integer(i, 6), rows.integer(i, 1), rows.integer(i, 0)};
    delivery d;
    d.tag = static_cast<std::uint64_t>(key.id);
    d.priority = static_cast<int>(9 - key.rank);
    d.attempts = static_cast<std::uint32_t>(rows.integer(i, 2));
    d.redelivered = rows.integer(i, 3) != 0;
    auto const place = std::find(queue_ids_.begin(), queue_ids_.end(), key.queue) - queue_ids_.begin();
    d.queue = queues_.name(static_cast<std::size_t>(place));
    held_.add(d.tag, {key});
    if (auto read = read_row_head(rows.text(i, 4), d.envelope); !read) {
      log::error("message " + std::to_string(key.id) + ": " + read.error().text() + "; it is in the dead set");
      damaged.push_back({d.tag, disposition::bury, read.error().text()});
      continue;
    }
    d.envelope.body = rows.text(i, 5);
    out.push_back(std::move(d));
  }
  std::sort(out.begin(), out.end(), [](auto const& a, auto const& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.tag < b.tag;
  });
  if (damaged.empty()) return out;
  wake_.raise();  // there may be more behind those
  if (auto buried = settle_once(damaged, until); !buried) return fail(buried.error());
  return out;
}

}  // namespace lovage::broker::postgres_broker
