// The part of the consumer that ends what was claimed. Every step may be repeated: what is done already is passed over.
#include "broker/postgres/postgres_consumer.hpp"
#include "wire/utf8.hpp"

#include <array>
#include <set>

namespace lovage::broker::postgres_broker {
namespace {

using namespace std::chrono_literals;

constexpr auto settle_grace = 200ms;

#define LOVAGE_OWN_ROW "m.queue = k.queue::int AND m.rank = k.rank::smallint AND m.id = k.id AND m.session = $1::int"
#define LOVAGE_KEYS "unnest($2, $3, $4) AS k (queue, rank, id)"
constexpr std::string_view end_done = "DELETE FROM lovage.message m USING " LOVAGE_KEYS " WHERE " LOVAGE_OWN_ROW;
constexpr std::string_view end_release =
    "UPDATE lovage.message m SET session = 0 FROM " LOVAGE_KEYS " WHERE " LOVAGE_OWN_ROW;
constexpr std::string_view end_requeue =
    "UPDATE lovage.message m SET session = 0, redelivered = true, attempts = attempts + 1 FROM " LOVAGE_KEYS
    " WHERE " LOVAGE_OWN_ROW;
constexpr std::string_view end_bury =
    "WITH gone AS (DELETE FROM lovage.message m USING unnest($2, $3, $4, $5) AS k (queue, rank, id, reason)"
    " WHERE " LOVAGE_OWN_ROW
    " RETURNING m.queue, m.rank, m.attempts, m.head, m.body, k.reason, m.id) "
    "INSERT INTO lovage.dead (queue, rank, attempts, head, body, reason)"
    " SELECT queue, rank, attempts, head, body, reason FROM gone ORDER BY id";
#undef LOVAGE_KEYS
#undef LOVAGE_OWN_ROW

// What PostgreSQL keeps as text.
std::string as_text(std::string_view reason) {
  std::string out;
  while (!reason.empty()) {
    auto const c = wire::first_code_point(reason);
    if (c.size == 0 || c.value == 0)
      out += '?';
    else
      out += reason.substr(0, c.size);
    reason.remove_prefix(c.size == 0 ? 1 : c.size);
  }
  return out;
}

/// What is settled in one way.
struct ending {
  std::vector<std::int64_t> queues, ranks, ids;
  std::vector<std::string> reasons;

  [[nodiscard]] postgres_call call(disposition how, std::int64_t session) const {
    postgres_call out{how == disposition::done      ? end_done
                      : how == disposition::release ? end_release
                      : how == disposition::requeue ? end_requeue
                                                    : end_bury};
    out.values.integer(session).integers(queues).integers(ranks).integers(ids);
    if (how == disposition::bury) out.values.texts(std::vector<std::string_view>{reasons.begin(), reasons.end()});
    return out;
  }
};

}  // namespace

expected<void> postgres_consumer::settle_once(std::span<settlement const> what, deadline until) {
  std::array<ending, 4> all;  // by disposition
  std::set<std::int64_t> given_back;
  for (auto const& s : what) {
    auto const h = held_.find(s.tag);
    if (!h) continue;
    auto& e = all[static_cast<std::size_t>(s.how)];
    e.queues.push_back(h->key.queue);
    e.ranks.push_back(h->key.rank);
    e.ids.push_back(h->key.id);
    if (s.how == disposition::bury) e.reasons.push_back(as_text(s.reason));
    if (s.how == disposition::release || s.how == disposition::requeue) given_back.insert(h->key.queue);
  }
  std::vector<postgres_call> calls;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!all[i].ids.empty()) calls.push_back(all[i].call(static_cast<disposition>(i), member_.id()));
  if (calls.empty()) return {};
  if (!given_back.empty()) {
    calls.back().ends = true;
    calls.push_back({wake_sleepers});
    calls.back().values.integers(std::vector<std::int64_t>{given_back.begin(), given_back.end()});
  }
  if (auto done = line_.exchange(calls, on_->within_heartbeat(until)); !done) return fail(done.error());
  for (auto const& s : what) held_.erase(s.tag);
  return {};
}

expected<void> postgres_consumer::settle(std::span<settlement const> what, deadline until) {
  if (what.empty()) return {};
  std::lock_guard const lock{mutex_};
  auto const grace = deadline::in(settle_grace);
  auto const patience = until.when() < grace.when() ? grace : until;
  while (!closed_) {
    auto done = connect(patience);
    if (done) done = settle_once(what, patience);
    pass_on_what_was_notified();
    if (done || line_.up() || patience.passed() || closing_ || done.error().code == errc::bad_config) return done;
    (void)wake_.take();
  }
  return fail(errc::closed, "the consumer was closed", options_.session_name);
}

expected<void> postgres_consumer::give_back_everything(deadline until) {
  if (member_.id() == 0) return {};
  (void)wake_.take();
  if (auto up = connect(until); !up) return up;
  std::vector<settlement> all;
  for (auto const tag : held_.tags()) all.push_back({tag, disposition::release, {}});
  if (auto done = settle_once(all, until); !done) return done;
  return member_.leave(line_, until);
}

}  // namespace lovage::broker::postgres_broker
