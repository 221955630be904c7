#include "broker/message_head.hpp"
#include "broker/sqlite/parts.hpp"
#include "broker/sqlite/session.hpp"

#include <limits>

namespace lovage::broker::sqlite {
namespace {

constexpr int purge_batch = 5'000;

class sqlite_inspector final : public inspector {
 public:
  sqlite_inspector(std::shared_ptr<sqlite_store> on, deadline until)
      : store_{std::move(on)}, db_{store_->connect(until)} {}

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
  template <class F>
  auto guarded(F&& work) {
    std::lock_guard const lock{mutex_};
    return store::attempt([&] {
      db_->set_deadline(store_->lock_deadline(deadline::in(std::chrono::seconds{10})));
      return work();
    });
  }
  [[nodiscard]] std::uint64_t purge_state(bool delayed, queue_name const& queue);
  [[nodiscard]] static dead_message read_dead(statement& row);
  [[nodiscard]] std::vector<std::uint64_t> matching(queue_name const& queue, std::span<std::uint64_t const> ids);
  template <class F>
  std::uint64_t for_each_dead(queue_name const& queue, std::span<std::uint64_t const> ids, F&& act);

  std::shared_ptr<sqlite_store> store_;
  std::mutex mutex_;  // guards db_
  std::unique_ptr<database> db_;
};

expected<std::vector<queue_info>> sqlite_inspector::queues() {
  return guarded([&] {
    reap(*store_, *db_, 0);  // what a dead worker held is shown as ready, though no worker runs
    std::vector<queue_info> out;
    auto query = db_->prepare(
        "SELECT q.name,"
        " (SELECT count(*) FROM message m WHERE m.queue = q.id AND m.state = 0),"
        " (SELECT count(*) FROM message m WHERE m.queue = q.id AND m.state = 1),"
        " (SELECT count(*) FROM message m WHERE m.queue = q.id AND m.state = 2),"
        " (SELECT count(*) FROM dead d WHERE d.queue = q.id) FROM queue q ORDER BY q.name");
    auto const number = [&](int column) { return static_cast<std::uint64_t>(query.integer(column)); };
    while (query.step())
      out.push_back({queue_name{std::string{query.text(0)}}, number(1), number(2), number(3), number(4)});
    return out;
  });
}

// In batches, so that no writer waits long.
std::uint64_t sqlite_inspector::purge_state(bool delayed, queue_name const& queue) {
  std::uint64_t removed = 0;
  for (;;) {
    auto rows = db_->prepare(
        delayed ? "DELETE FROM message WHERE id IN (SELECT m.id FROM message m JOIN queue q ON q.id = m.queue "
                  "WHERE m.state = 1 AND q.name = ? LIMIT ?)"
                : "DELETE FROM message WHERE id IN (SELECT m.id FROM message m JOIN queue q ON q.id = m.queue "
                  "WHERE m.state = 0 AND q.name = ? LIMIT ?)");
    rows.bind(std::string_view{queue.str()}).bind(purge_batch).run();
    removed += static_cast<std::uint64_t>(db_->changes());
    if (db_->changes() < purge_batch) return removed;
  }
}

expected<std::uint64_t> sqlite_inspector::purge(queue_name const& queue) {
  return guarded([&] { return purge_state(false, queue) + purge_state(true, queue); });
}

dead_message sqlite_inspector::read_dead(statement& row) {
  dead_message out;
  out.id = static_cast<std::uint64_t>(row.integer(0));
  out.queue = queue_name{std::string{row.text(1)}};
  out.reason = row.text(2);
  out.died_at = time_point{std::chrono::microseconds{row.integer(3)}};
  out.attempts = static_cast<std::uint32_t>(row.integer(4));
  (void)read_head(row.blob(5), out.envelope);  // damaged: that is its reason; the body is shown all the same
  out.envelope.body = row.blob(6);
  return out;
}

#define LOVAGE_DEAD_COLUMNS \
  "SELECT d.id, q.name, d.reason, d.died_at, d.attempts, d.head, d.body FROM dead d JOIN queue q ON q.id = d.queue "

expected<std::vector<dead_message>> sqlite_inspector::dead(queue_name const& queue, std::size_t max) {
  return guarded([&] {
    std::vector<dead_message> out;
    auto query = db_->prepare(LOVAGE_DEAD_COLUMNS "WHERE ?1 = '' OR q.name = ?1 ORDER BY d.id LIMIT ?2");
    auto const most = std::min<std::size_t>(max, std::numeric_limits<std::int64_t>::max());
    query.bind(std::string_view{queue.str()}).bind(static_cast<std::int64_t>(most));
    while (query.step()) out.push_back(read_dead(query));
    return out;
  });
}

expected<std::optional<dead_message>> sqlite_inspector::dead_one(std::uint64_t id) {
  return guarded([&]() -> std::optional<dead_message> {
    auto query = db_->prepare(LOVAGE_DEAD_COLUMNS "WHERE d.id = ?");
    if (!query.bind(static_cast<std::int64_t>(id)).step()) return std::nullopt;
    return read_dead(query);
  });
}

#undef LOVAGE_DEAD_COLUMNS

std::vector<std::uint64_t> sqlite_inspector::matching(queue_name const& queue, std::span<std::uint64_t const> ids) {
  if (!ids.empty()) return {ids.begin(), ids.end()};
  std::vector<std::uint64_t> out;
  auto query =
      db_->prepare("SELECT d.id FROM dead d JOIN queue q ON q.id = d.queue WHERE ?1 = '' OR q.name = ?1 ORDER BY d.id");
  query.bind(std::string_view{queue.str()});
  while (query.step()) out.push_back(static_cast<std::uint64_t>(query.integer(0)));
  return out;
}

template <class F>
std::uint64_t sqlite_inspector::for_each_dead(queue_name const& queue, std::span<std::uint64_t const> ids, F&& act) {
  transaction t{*db_};
  std::uint64_t count = 0;
  for (auto const id : matching(queue, ids)) {
    act(static_cast<std::int64_t>(id));
    auto row = db_->prepare("DELETE FROM dead WHERE id = ?");
    row.bind(static_cast<std::int64_t>(id)).run();
    count += static_cast<std::uint64_t>(db_->changes());
  }
  t.commit();
  return count;
}

expected<std::uint64_t> sqlite_inspector::redrive(queue_name const& queue, std::span<std::uint64_t const> ids) {
  auto moved = guarded([&] {
    return for_each_dead(queue, ids, [&](std::int64_t id) {
      auto row = db_->prepare(
          "INSERT INTO message(queue, priority, state, due, session, attempts, redelivered, head, body) "
          "SELECT queue, priority, 0, 0, 0, 0, 1, head, body FROM dead WHERE id = ?");
      row.bind(id).run();
    });
  });
  if (moved) store_->wake().ring_queues();
  return moved;
}

expected<std::uint64_t> sqlite_inspector::purge_dead(queue_name const& queue, std::span<std::uint64_t const> ids) {
  return guarded([&] { return for_each_dead(queue, ids, [](std::int64_t) {}); });
}

expected<void> sqlite_inspector::revoke(std::span<revocation const> what) {
  auto done = guarded([&] {
    transaction t{*db_};
    for (auto const& r : what) {
      auto row = db_->prepare("INSERT INTO revoked(stamp, text, until) VALUES (?, ?, ?)");
      row.bind(std::string_view{r.stamp}).bind(std::string_view{r.text});
      row.bind(r.until.time_since_epoch().count()).run();
    }
    auto old = db_->prepare("DELETE FROM revoked WHERE until <= ?1 OR seq <= (SELECT max(seq) FROM revoked) - ?2");
    old.bind(store_->now_us()).bind(static_cast<std::int64_t>(revocations_kept)).run();
    t.commit();
  });
  if (done) store_->wake().ring_queues();
  return done;
}

expected<void> sqlite_inspector::pause(queue_name const& queue) {
  return guarded([&] {
    transaction t{*db_};
    queue_ids ids;
    auto row = db_->prepare("INSERT OR IGNORE INTO paused(queue) VALUES (?)");
    row.bind(ids.get_or_make(*db_, queue.str())).run();
    t.commit();
  });
}

expected<void> sqlite_inspector::resume(queue_name const& queue) {
  auto done = guarded([&] {
    auto row = db_->prepare("DELETE FROM paused WHERE queue = (SELECT id FROM queue WHERE name = ?)");
    row.bind(std::string_view{queue.str()}).run();
  });
  if (done) store_->wake().ring_queues();
  return done;
}

expected<std::vector<queue_name>> sqlite_inspector::paused() {
  return guarded([&] {
    std::vector<queue_name> out;
    auto query = db_->prepare("SELECT q.name FROM paused p JOIN queue q ON q.id = p.queue ORDER BY q.name");
    while (query.step()) out.emplace_back(std::string{query.text(0)});
    return out;
  });
}

}  // namespace

std::unique_ptr<inspector> make_inspector(std::shared_ptr<sqlite_store> on, deadline until) {
  return std::make_unique<sqlite_inspector>(std::move(on), until);
}

}  // namespace lovage::broker::sqlite
