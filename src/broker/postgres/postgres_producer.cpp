#include "broker/inbox_binding.hpp"
#include "broker/message_head.hpp"
#include "broker/postgres/parts.hpp"
#include "core/deadline_mutex.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace lovage::broker::postgres_broker {
namespace {

constexpr std::string_view insert_ready =
    "INSERT INTO lovage.message (queue, rank, head, body) "
    "SELECT queue, rank, head, body FROM unnest($1, $2, $3, $4) AS m (queue, rank, head, body)";
constexpr std::string_view insert_with_due =
    "WITH m AS MATERIALIZED (SELECT nextval('lovage.message_id') AS id, queue, rank, head, body,"
    " CASE WHEN due > 0 THEN timestamptz 'epoch' + due * interval '1 microsecond' END AS due"
    " FROM unnest($1, $2, $3, $4, $5) AS m (queue, rank, head, body, due)), "
    "later AS (INSERT INTO lovage.delayed (due, id, queue, rank, head, body)"
    " SELECT due, id, queue, rank, head, body FROM m WHERE due > now()) "
    "INSERT INTO lovage.message (id, queue, rank, head, body)"
    " SELECT id, queue, rank, head, body FROM m WHERE due IS NULL OR due <= now()";
constexpr std::string_view insert_letters =
    "INSERT INTO lovage.letter (inbox, head, body, expires) "
    "SELECT inbox, head, body, now() + interval '5 minutes' FROM unnest($1, $2, $3) AS l (inbox, head, body)";
// What its reader takes at this moment is locked, and is passed over: two who remove the same rows never wait for each
// other.
constexpr std::string_view trim_letters =
    "WITH old AS (SELECT l.inbox, l.id FROM unnest($1) AS i (id) CROSS JOIN LATERAL"
    " (SELECT id FROM lovage.letter WHERE inbox = i.id ORDER BY id DESC LIMIT 1 OFFSET $2) AS last"
    " JOIN lovage.letter l ON l.inbox = i.id AND l.id <= last.id FOR UPDATE OF l SKIP LOCKED) "
    "DELETE FROM lovage.letter l USING old WHERE l.inbox = old.inbox AND l.id = old.id";
constexpr std::string_view make_queues = "SELECT name, lovage.queue_id(name) FROM unnest($1) AS name";
constexpr std::string_view find_queues = "SELECT name, id FROM lovage.queue WHERE name = ANY ($1)";
constexpr std::string_view wake_inboxes = "SELECT pg_notify('lovage_inbox_' || inbox, '') FROM unnest($1) AS inbox";

constexpr std::size_t octets_at_once = 32 << 20;  // a value of the server's ends at 1 GB
// Looking for what is too much walks over all that an inbox holds: seldom enough to cost little a letter.
constexpr std::size_t trim_after = inbox_holds / 10;

/// What goes into one statement, column by column.
class rows_of_messages {
 public:
  void add(std::int64_t to, outgoing const& m) {
    to_.push_back(to);
    rank_.push_back(9 - std::clamp(m.priority, 0, 9));
    due_.push_back(m.due ? std::max<std::int64_t>(m.due->time_since_epoch().count(), 0) : 0);
    heads_.push_back(write_head(m.envelope));
    bodies_.push_back(m.envelope.body);
    octets_ += heads_.back().size() + m.envelope.body.size();
  }
  [[nodiscard]] bool empty() const noexcept { return to_.empty(); }
  [[nodiscard]] bool full() const noexcept { return octets_ >= octets_at_once; }
  [[nodiscard]] std::vector<std::int64_t> const& to() const noexcept { return to_; }
  [[nodiscard]] postgres_call messages() const {
    bool const waits = std::any_of(due_.begin(), due_.end(), [](auto due) { return due != 0; });
    postgres_call out{waits ? insert_with_due : insert_ready};
    out.values.integers(to_).integers(rank_).octet_list(heads()).octet_list(bodies_);
    if (waits) out.values.integers(due_);
    return out;
  }
  [[nodiscard]] postgres_call letters() const {
    postgres_call out{insert_letters};
    out.values.integers(to_).octet_list(heads()).octet_list(bodies_);
    return out;
  }

 private:
  [[nodiscard]] std::vector<std::string_view> heads() const { return {heads_.begin(), heads_.end()}; }
  std::vector<std::int64_t> to_, rank_, due_;
  std::vector<std::string> heads_;
  std::vector<std::string_view> bodies_;
  std::size_t octets_ = 0;
};

/// One call of `publish`.
struct publication {
  std::vector<postgres_call> calls;
  rows_of_messages messages, letters;
  std::set<std::int64_t> queues, inboxes;
  std::size_t letter_count = 0;

  void to_queue(std::int64_t queue, outgoing const& m) {
    messages.add(queue, m);
    queues.insert(queue);
    if (messages.full()) calls.push_back(std::exchange(messages, {}).messages());
  }
  void to_inbox(std::int64_t inbox, outgoing const& m) {
    letters.add(inbox, m);
    inboxes.insert(inbox);
    ++letter_count;
    if (letters.full()) calls.push_back(std::exchange(letters, {}).letters());
  }
  /// All of it, in one transaction, and then the waking. Of inboxes in `bounded` the oldest letters go.
  void finish(std::vector<std::int64_t> const& bounded) {
    if (!messages.empty()) calls.push_back(messages.messages());
    if (!letters.empty()) calls.push_back(letters.letters());
    if (calls.empty()) return;
    if (!bounded.empty()) {
      calls.push_back({trim_letters});
      calls.back().values.integers(bounded).integer(static_cast<std::int64_t>(inbox_holds));
    }
    calls.back().ends = true;
    add_waking(wake_sleepers, queues);
    add_waking(wake_inboxes, inboxes);
  }

 private:
  void add_waking(std::string_view text, std::set<std::int64_t> const& whom) {
    if (whom.empty()) return;
    calls.push_back({text});
    calls.back().values.integers(std::vector<std::int64_t>{whom.begin(), whom.end()});
  }
};

class postgres_producer final : public producer {
 public:
  explicit postgres_producer(std::shared_ptr<shared> on) : on_{on}, line_{std::move(on), {}} {}
  expected<void> publish(std::span<outgoing const> messages, deadline until) override;

 private:
  [[nodiscard]] expected<void> learn(std::string_view statement, std::set<std::string> const& names, deadline until);
  [[nodiscard]] expected<void> learn_queues(std::span<outgoing const> messages, deadline until);
  [[nodiscard]] expected<void> deliver(outgoing const& m, std::vector<living_inbox> const& inboxes, publication& to);

  std::shared_ptr<shared> const on_;
  deadline_mutex mutex_;  // guards what follows
  line line_;
  std::unordered_map<std::string, std::int64_t> queues_;
  std::size_t posted_ = 0;  ///< letters since this producer trimmed inboxes
};

expected<void> postgres_producer::learn(std::string_view statement, std::set<std::string> const& names,
                                        deadline until) {
  if (names.empty()) return {};
  postgres_call ask{statement};
  ask.values.texts(std::vector<std::string_view>{names.begin(), names.end()});
  auto const found = line_.exchange_one(ask, until);
  if (!found) return fail(found.error());
  for (std::size_t i = 0; i < found->size(); ++i) queues_[std::string{found->text(i, 0)}] = found->integer(i, 1);
  return {};
}

// Those of tasks are made; a reply goes to a queue only where there is one.
expected<void> postgres_producer::learn_queues(std::span<outgoing const> messages, deadline until) {
  std::set<std::string> make, find;
  for (auto const& m : messages) {
    if (m.queue.empty() || queues_.count(m.queue.str()) > 0) continue;
    if (!is_for_queue(m)) {
      find.insert(m.queue.str());
      continue;
    }
    if (auto spec = on_->with.queues.find(m.queue); !spec) return fail(spec.error());
    make.insert(m.queue.str());
  }
  if (auto done = learn(make_queues, make, until); !done) return done;
  return learn(find_queues, find, until);
}

expected<void> postgres_producer::deliver(outgoing const& m, std::vector<living_inbox> const& inboxes,
                                          publication& to) {
  bool taken = false;
  for (auto const& i : inboxes)
    if (takes(i.spec, m)) to.to_inbox(i.id, m), taken = true;
  if (taken) return {};
  auto const queue = queues_.find(m.queue.str());
  if (!m.queue.empty() && queue != queues_.end()) return to.to_queue(queue->second, m), expected<void>{};
  return m.must_route ? queues_only({&m, 1}) : expected<void>{};
}

std::vector<std::int64_t> of_broadcasts(std::vector<living_inbox> const& inboxes) {
  std::vector<std::int64_t> out;
  for (auto const& i : inboxes)
    if (hears_broadcasts(i.spec)) out.push_back(i.id);
  return out;
}

expected<void> postgres_producer::publish(std::span<outgoing const> messages, deadline until) {
  if (messages.empty()) return {};
  auto const lock = mutex_.acquire(until);
  if (!lock) return fail(errc::timeout, "other messages were being sent up to the deadline");
  if (auto up = line_.ensure(until); !up) return up;
  if (auto known = learn_queues(messages, until); !known) return known;
  bool const only_tasks = std::all_of(messages.begin(), messages.end(), is_for_queue);
  expected<std::vector<living_inbox>> inboxes{std::vector<living_inbox>{}};
  if (!only_tasks) inboxes = living_inboxes(line_, until);
  if (!inboxes) return fail(inboxes.error());
  publication all;
  for (auto const& m : messages) {
    if (is_for_queue(m)) {
      all.to_queue(queues_.at(m.queue.str()), m);
    } else if (auto done = deliver(m, *inboxes, all); !done) {
      return done;
    }
  }
  posted_ += all.letter_count;
  bool const trims = posted_ >= trim_after;
  all.finish(trims ? of_broadcasts(*inboxes) : std::vector<std::int64_t>{});
  if (all.calls.empty()) return {};
  auto const done = line_.exchange(all.calls, until);
  if (!done) return fail(done.error());
  if (trims) posted_ = 0;
  return {};
}

}  // namespace

std::unique_ptr<producer> make_producer(std::shared_ptr<shared> on) {
  return std::make_unique<postgres_producer>(std::move(on));
}

}  // namespace lovage::broker::postgres_broker
