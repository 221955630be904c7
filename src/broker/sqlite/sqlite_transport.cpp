#include "broker/sqlite/sqlite_transport.hpp"

#include "broker/inbox_binding.hpp"
#include "broker/message_head.hpp"
#include "broker/sqlite/parts.hpp"

#include <algorithm>
#include <set>

namespace lovage::broker {
namespace sqlite {

std::int64_t queue_ids::find(database& db, std::string const& name) {
  auto const at = known_.find(name);
  if (at != known_.end()) return at->second;
  auto query = db.prepare("SELECT id FROM queue WHERE name = ?");
  query.bind(std::string_view{name});
  if (!query.step()) return 0;
  return known_[name] = query.integer(0);
}

std::int64_t queue_ids::get_or_make(database& db, std::string const& name) {
  if (auto const id = find(db, name)) return id;
  auto insert = db.prepare("INSERT INTO queue(name) VALUES (?)");
  insert.bind(std::string_view{name});
  insert.run();
  return known_[name] = db.last_id();
}

void sqlite_producer::insert(outgoing const& m, std::int64_t now) {
  auto const due = m.due ? m.due->time_since_epoch().count() : 0;
  bool const delayed = due > now;
  auto const head = write_head(m.envelope);
  auto row = db_->prepare(
      "INSERT INTO message(queue, priority, state, due, session, attempts, redelivered, head, body) "
      "VALUES (?, ?, ?, ?, 0, 0, 0, ?, ?)");
  row.bind(queues_.get_or_make(*db_, m.queue.str())).bind(std::clamp(m.priority, 0, 9));
  row.bind(static_cast<int>(delayed ? row_state::delayed : row_state::ready)).bind(delayed ? due : 0);
  row.bind_blob(head).bind_blob(m.envelope.body);
  row.run();
}

void sqlite_producer::deliver(outgoing const& m, std::vector<inbox_row> const& inboxes, std::int64_t now) {
  bool taken = false;
  for (auto const& to : inboxes)
    if (takes(to.spec, m)) post_letter(*db_, to, m, now), taken = true, ++posted_;
  if (taken) return;
  if (!m.queue.empty() && queues_.find(*db_, m.queue.str()) != 0) return insert(m, now);
  if (m.must_route) throw store::sql_failure{queues_only({&m, 1}).error()};
}

namespace {

// Looking for what is too much walks over all that an inbox holds: seldom enough to cost little a letter.
constexpr std::size_t trim_after = inbox_holds / 10;

// What nobody listens to costs no write.
bool nobody_listens(std::span<outgoing const> messages, std::vector<inbox_row> const& inboxes) {
  return std::all_of(messages.begin(), messages.end(), [&](outgoing const& m) {
    if (m.must_route || !m.queue.empty()) return false;
    return std::none_of(inboxes.begin(), inboxes.end(), [&](auto const& to) { return takes(to.spec, m); });
  });
}

std::set<std::uint32_t> words_of(std::span<outgoing const> messages, std::vector<inbox_row> const& inboxes) {
  std::set<std::uint32_t> out;
  for (auto const& m : messages) {
    if (!m.queue.empty()) out.insert(store::wake_page::queue_word(m.queue.str()));
    if (is_for_queue(m)) continue;
    for (auto const& to : inboxes)
      if (takes(to.spec, m)) out.insert(store::wake_page::queue_word(to.spec.name.str()));
  }
  return out;
}

}  // namespace

expected<void> sqlite_producer::publish(std::span<outgoing const> messages, deadline until) {
  if (messages.empty()) return {};
  std::lock_guard const lock{mutex_};
  auto done = store::attempt([&] {
    db_->set_deadline(store_->lock_deadline(until));
    auto const now = store_->now_us();
    bool const only_tasks = std::all_of(messages.begin(), messages.end(), is_for_queue);
    auto inboxes = only_tasks ? std::vector<inbox_row>{} : living_inboxes(*db_, now);
    if (!only_tasks && nobody_listens(messages, inboxes)) return;
    transaction t{*db_};
    if (!only_tasks) {
      remove_dead_inboxes(*db_, now);
      inboxes = living_inboxes(*db_, now);
    }
    for (auto const& m : messages) is_for_queue(m) ? insert(m, now) : deliver(m, inboxes, now);
    if (posted_ >= trim_after) trim_letters(*db_, inboxes), posted_ = 0;
    t.commit();
    for (auto const w : words_of(messages, inboxes)) store_->wake().ring(w);
  });
  if (!done) queues_.forget();
  return done;
}

namespace {

class sqlite_transport final : public transport {
 public:
  explicit sqlite_transport(std::shared_ptr<sqlite_store> on) : store_{std::move(on)} {}
  [[nodiscard]] traits abilities() const override {
    return {.atomic_batches = true,
            .delayed = true,
            .priorities = true,
            .dead_set = true,
            .cross_process = true,
            .inboxes = true,
            .revocations = true,
            .pauses = true};
  }
  expected<std::unique_ptr<producer>> make_producer(deadline until) override {
    return store::attempt(
        [&]() -> std::unique_ptr<producer> { return std::make_unique<sqlite_producer>(store_, until); });
  }
  expected<std::unique_ptr<consumer>> make_consumer(consumer_options with, deadline until) override {
    return store::attempt([&] { return sqlite::make_consumer(store_, std::move(with), until); });
  }
  expected<std::unique_ptr<inspector>> make_inspector(deadline until) override {
    return store::attempt([&] { return sqlite::make_inspector(store_, until); });
  }
  expected<std::unique_ptr<inbox>> make_inbox(queue_spec const& queue, deadline until) override {
    return store::attempt([&] { return sqlite::make_inbox(store_, queue, until); });
  }

 private:
  std::shared_ptr<sqlite_store> store_;
};

}  // namespace
}  // namespace sqlite

expected<std::shared_ptr<transport>> make_sqlite_transport(settings with, deadline until) {
  auto store = store::sqlite_store::open(with.connection.urls, std::move(with.now), until);
  if (!store) return fail(store.error());
  return std::shared_ptr<transport>{std::make_shared<sqlite::sqlite_transport>(*std::move(store))};
}

}  // namespace lovage::broker
