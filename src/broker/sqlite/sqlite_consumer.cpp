#include "broker/message_head.hpp"
#include "broker/sqlite/parts.hpp"
#include "broker/sqlite/session.hpp"

#include "core/log.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <set>

namespace lovage::broker::sqlite {
namespace {

using namespace std::chrono_literals;

constexpr auto reap_interval = 1s;
// A look takes this long for the lock of other claims however near its deadline is: that is work, not waiting.
constexpr auto lock_grace = 200ms;
constexpr int promote_batch = 1'000;  // due at once beyond that: in the next steps, so that no writer waits long

struct candidate {
  std::int64_t id, priority;
  std::size_t queue;
};

class sqlite_consumer final : public consumer {
 public:
  sqlite_consumer(std::shared_ptr<sqlite_store> on, consumer_options with, deadline until)
      : store_{std::move(on)}, options_{std::move(with)}, db_{store_->connect(until)} {
    session_ = std::make_unique<session>(store_, options_.session_name, until);
    for (std::size_t i = 0; i < options_.queues.size(); ++i) queues_.add(options_.queues[i], options_.weight(i));
    make_queues();
  }
  ~sqlite_consumer() override { close(); }

  expected<std::vector<delivery>> claim(std::size_t max, deadline until) override;
  expected<void> settle(std::span<settlement const> what, deadline until) override;
  void interrupt() override { interrupter_.interrupt(); }
  expected<void> subscribe(queue_spec const& queue, deadline until) override;
  expected<void> unsubscribe(queue_name const& queue, deadline until) override;
  void select(std::span<queue_name const> queues) override;
  void allow(std::size_t octets) override { allowed_ = octets; }
  std::vector<revocation> revoked() override;
  void started(std::uint64_t tag) override { session_->file().started(tag); }
  void close() override;

 private:
  void make_queues();
  void listen();
  void refuse_when_closed() const;
  void reap_now_and_then();
  [[nodiscard]] bool has_work();
  [[nodiscard]] std::vector<delivery> look(std::size_t max);
  [[nodiscard]] bool take(std::size_t max, std::vector<delivery>& out);
  void promote_due();
  void read_revoked();
  [[nodiscard]] std::vector<candidate> choose(std::size_t max);
  [[nodiscard]] std::deque<candidate> best_of(std::size_t queue, std::size_t max);
  [[nodiscard]] std::optional<delivery> claim_row(candidate const& c);
  [[nodiscard]] deadline next_look(deadline until);
  void settle_row(settlement const& s);
  void bury_row(std::int64_t id, std::string_view reason);

  std::shared_ptr<sqlite_store> store_;
  consumer_options const options_;
  std::atomic<std::size_t> allowed_{unbounded};  ///< octets
  std::mutex mutex_;                             // guards what follows; never held while waiting
  bool closed_ = false;
  std::unique_ptr<database> db_;
  std::unique_ptr<session> session_;
  queue_set queues_{options_.order};
  std::vector<std::int64_t> queue_ids_;  ///< by place
  std::vector<std::size_t> served_;      ///< places
  std::vector<std::uint32_t> words_;     ///< of those
  store::interrupter interrupter_;
  std::chrono::steady_clock::time_point reaped_{};
  std::vector<revocation> revoked_;
  std::int64_t revoked_seen_ = 0;  ///< number of the last one read
};

void sqlite_consumer::make_queues() {
  transaction t{*db_};
  queue_ids ids;
  for (auto i = queue_ids_.size(); i < queues_.size(); ++i)
    queue_ids_.push_back(ids.get_or_make(*db_, queues_.name(i).str()));
  t.commit();
  listen();
}

void sqlite_consumer::listen() {
  served_ = queues_.served();
  words_.clear();
  for (auto const q : served_) words_.push_back(store::wake_page::queue_word(queues_.name(q).str()));
  std::sort(words_.begin(), words_.end());
  words_.erase(std::unique(words_.begin(), words_.end()), words_.end());
}

expected<void> sqlite_consumer::subscribe(queue_spec const& queue, deadline until) {
  std::lock_guard const lock{mutex_};
  return store::attempt([&] {
    refuse_when_closed();
    db_->set_deadline(store_->lock_deadline(until));
    queues_.add(queue.name);
    make_queues();
  });
}

expected<void> sqlite_consumer::unsubscribe(queue_name const& queue, deadline) {
  std::lock_guard const lock{mutex_};
  queues_.remove(queue);
  return listen(), expected<void>{};
}

void sqlite_consumer::select(std::span<queue_name const> queues) {
  std::lock_guard const lock{mutex_};
  queues_.select(queues);
  listen();
}

void sqlite_consumer::reap_now_and_then() {
  auto const now = std::chrono::steady_clock::now();
  if (now - reaped_ < reap_interval) return;
  reap(*store_, *db_, session_->id());
  reaped_ = now;
}

// A look without a lock, so that idle workers and senders do not meet.
bool sqlite_consumer::has_work() {
  for (auto const q : served_) {
    auto ready = db_->prepare(
        "SELECT 1 FROM message WHERE state = 0 AND queue = ?1 AND ?1 NOT IN (SELECT queue FROM paused) LIMIT 1");
    if (ready.bind(queue_ids_[q]).step()) return true;
  }
  auto due = db_->prepare("SELECT 1 FROM message WHERE state = 1 AND due <= ? LIMIT 1");
  return due.bind(store_->now_us()).step();
}

void sqlite_consumer::promote_due() {
  auto due = db_->prepare(
      "UPDATE message SET state = 0 WHERE id IN "
      "(SELECT id FROM message WHERE state = 1 AND due <= ? ORDER BY due LIMIT ?)");
  due.bind(store_->now_us()).bind(promote_batch).run();
}

std::deque<candidate> sqlite_consumer::best_of(std::size_t queue, std::size_t max) {
  std::deque<candidate> out;
  auto best = db_->prepare(
      "SELECT id, priority FROM message WHERE state = 0 AND queue = ?1 AND ?1 NOT IN (SELECT queue FROM paused) "
      "ORDER BY priority DESC, id LIMIT ?2");
  best.bind(queue_ids_[queue]).bind(static_cast<std::int64_t>(max));
  while (best.step()) out.push_back({best.integer(0), best.integer(1), queue});
  return out;
}

// The best of each queue, merged as the order of the queues says.
std::vector<candidate> sqlite_consumer::choose(std::size_t max) {
  std::vector<std::deque<candidate>> lanes;
  for (auto const q : served_) lanes.push_back(best_of(q, max));
  if (lanes.size() == 1) return {lanes[0].begin(), lanes[0].end()};
  std::vector<candidate> out;
  while (out.size() < max) {
    std::vector<queue_picker::candidate> heads;
    std::vector<std::size_t> of;
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      if (lanes[i].empty()) continue;
      heads.push_back({served_[i], static_cast<int>(lanes[i].front().priority)});
      of.push_back(i);
    }
    if (heads.empty()) break;
    auto& from = lanes[of[queues_.picker().pick(heads)]];
    out.push_back(from.front());
    from.pop_front();
  }
  return out;
}

std::optional<delivery> sqlite_consumer::claim_row(candidate const& c) {
  delivery d;
  std::string damage;
  {
    auto row = db_->prepare("SELECT attempts, redelivered, head, body FROM message WHERE id = ?");
    row.bind(c.id);
    if (!row.step()) return std::nullopt;
    d.tag = static_cast<std::uint64_t>(c.id);
    d.queue = queues_.name(c.queue);
    d.priority = static_cast<int>(c.priority);
    d.attempts = static_cast<std::uint32_t>(row.integer(0));
    d.redelivered = row.integer(1) != 0;
    if (auto ok = read_head(row.blob(2), d.envelope); !ok) damage = ok.error().text();
    d.envelope.body = row.blob(3);
  }
  auto take = db_->prepare("UPDATE message SET state = 2, session = ? WHERE id = ?");  // RETURNING was a fifth slower
  take.bind(session_->id()).bind(c.id).run();
  if (damage.empty()) return d;
  log::error("message " + std::to_string(c.id) + ": " + damage + "; it is in the dead set");
  bury_row(c.id, damage);
  return std::nullopt;
}

// False when there was nothing; true with nothing taken when all of it was unreadable and is dead now.
bool sqlite_consumer::take(std::size_t max, std::vector<delivery>& out) {
  transaction t{*db_};
  promote_due();
  auto const chosen = choose(max);
  claim_room room{max, allowed_};
  for (auto at = chosen.begin(); at != chosen.end() && room.left(); ++at) {
    auto d = claim_row(*at);
    if (!d) continue;
    room.took(*d);
    out.push_back(*std::move(d));
  }
  read_revoked();
  t.commit();
  return !chosen.empty();
}

std::vector<delivery> sqlite_consumer::look(std::size_t max) {
  std::vector<delivery> out;
  while (out.empty() && has_work() && take(max, out)) {
  }
  if (out.empty()) read_revoked();
  return out;
}

void sqlite_consumer::read_revoked() {
  auto fresh = db_->prepare("SELECT seq, stamp, text, until FROM revoked WHERE seq > ? ORDER BY seq");
  fresh.bind(revoked_seen_);
  while (fresh.step()) {
    revoked_seen_ = fresh.integer(0);
    revoked_.push_back({std::string{fresh.text(1)}, std::string{fresh.text(2)},
                        time_point{std::chrono::microseconds{fresh.integer(3)}}});
  }
}

std::vector<revocation> sqlite_consumer::revoked() {
  std::lock_guard const lock{mutex_};
  return std::exchange(revoked_, {});
}

deadline sqlite_consumer::next_look(deadline until) {
  auto wake = until.sooner(deadline::in(reap_interval));
  auto due = db_->prepare("SELECT due FROM message WHERE state = 1 ORDER BY due LIMIT 1");
  if (!due.step()) return wake;
  return wake.sooner(
      deadline::in(std::chrono::microseconds{std::max<std::int64_t>(1, due.integer(0) - store_->now_us())}));
}

expected<std::vector<delivery>> sqlite_consumer::claim(std::size_t max, deadline until) {
  return store::attempt([&] {
    std::vector<delivery> out;
    if (max == 0) return out;
    auto const grace = deadline::in(lock_grace);
    for (;;) {
      std::unique_lock lock{mutex_};
      refuse_when_closed();
      db_->set_deadline(store_->lock_deadline(until.when() < grace.when() ? grace : until.sooner(deadline::in(5s))));
      reap_now_and_then();
      auto const seen = store_->wake().look(words_);
      bool const interrupted = interrupter_.take();
      out = look(max);
      if (!out.empty() || interrupted || !revoked_.empty() || until.passed()) return out;
      auto const next = next_look(until);
      lock.unlock();
      store_->wake().wait(seen, interrupter_, next);
    }
  });
}

void sqlite_consumer::bury_row(std::int64_t id, std::string_view reason) {
  {
    auto copy = db_->prepare(
        "INSERT INTO dead(queue, priority, attempts, head, body, reason, died_at) "
        "SELECT queue, priority, attempts, head, body, ?, ? FROM message WHERE id = ? AND session = ?");
    copy.bind(reason).bind(store_->now_us()).bind(id).bind(session_->id()).run();
  }
  auto row = db_->prepare("DELETE FROM message WHERE id = ? AND session = ?");
  row.bind(id).bind(session_->id()).run();
}

// Only rows that are still this session's: a lost one lives elsewhere and is passed over.
void sqlite_consumer::settle_row(settlement const& s) {
  auto const id = static_cast<std::int64_t>(s.tag);
  char const* sql = nullptr;
  switch (s.how) {
    case disposition::bury: return bury_row(id, s.reason);
    case disposition::done: sql = "DELETE FROM message WHERE id = ? AND session = ?"; break;
    case disposition::release: sql = "UPDATE message SET state = 0, session = 0 WHERE id = ? AND session = ?"; break;
    case disposition::requeue:
      sql =
          "UPDATE message SET state = 0, session = 0, redelivered = 1, attempts = attempts + 1 "
          "WHERE id = ? AND session = ?";
      break;
  }
  auto row = db_->prepare(sql);
  row.bind(id).bind(session_->id()).run();
}

expected<void> sqlite_consumer::settle(std::span<settlement const> what, deadline until) {
  if (what.empty()) return {};
  std::lock_guard const lock{mutex_};
  auto done = store::attempt([&] {
    refuse_when_closed();
    db_->set_deadline(store_->lock_deadline(until));
    transaction t{*db_};
    for (auto const& s : what) settle_row(s);
    t.commit();
  });
  if (!done) return done;
  bool given_back = false;
  for (auto const& s : what) {
    session_->file().ended(s.tag);
    given_back = given_back || s.how == disposition::release || s.how == disposition::requeue;
  }
  if (given_back) store_->wake().ring_queues();
  return done;
}

void sqlite_consumer::refuse_when_closed() const {
  if (closed_) throw store::sql_failure{{errc::closed, "the consumer was closed", options_.session_name}};
}

void sqlite_consumer::close() {
  interrupter_.interrupt();
  std::lock_guard const lock{mutex_};
  if (std::exchange(closed_, true)) return;
  auto const done = store::attempt([&] {
    db_->set_deadline(store_->lock_deadline(deadline::in(5s)));
    session_->end(*db_);
  });
  // Not given back now: the lock goes with this object, and the next worker that looks gives it back.
  if (!done) log::warning("cannot give back messages: " + done.error().text());
}

}  // namespace

std::unique_ptr<consumer> make_consumer(std::shared_ptr<sqlite_store> on, consumer_options with, deadline until) {
  return std::make_unique<sqlite_consumer>(std::move(on), std::move(with), until);
}

}  // namespace lovage::broker::sqlite
