// Inboxes of the embedded store. A row says who listens to what; its reader renews it, so that what is sent to a
// program that died is dropped a minute later.
#include "broker/inbox_binding.hpp"
#include "broker/message_head.hpp"
#include "broker/sqlite/parts.hpp"
#include "core/log.hpp"

#include <array>

namespace lovage::broker::sqlite {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

constexpr microseconds reader_life = 60s, renewal = 20s;
constexpr microseconds letter_life = 300s;  // as Celery's x-message-ttl of control queues
constexpr int at_once = 1'000;

class sqlite_inbox final : public inbox {
 public:
  sqlite_inbox(std::shared_ptr<sqlite_store> on, queue_spec spec, deadline until)
      : store_{std::move(on)},
        spec_{std::move(spec)},
        words_{store::wake_page::queue_word(spec_.name.str())},
        db_{store_->connect(until)} {
    renew();
  }
  ~sqlite_inbox() override;

  expected<std::vector<wire::envelope>> take(deadline until) override;
  void interrupt() override { interrupter_.interrupt(); }

 private:
  void renew();
  [[nodiscard]] bool has_letters();
  [[nodiscard]] std::vector<wire::envelope> open_letters();

  std::shared_ptr<sqlite_store> store_;
  queue_spec const spec_;
  std::array<std::uint32_t, 1> const words_;
  std::unique_ptr<database> db_;
  store::interrupter interrupter_;
  std::int64_t id_ = 0;
  std::chrono::steady_clock::time_point renewed_{};
};

sqlite_inbox::~sqlite_inbox() {
  (void)store::attempt([&] {  // else it is removed once it has expired
    db_->set_deadline(deadline::in(1s));
    transaction t{*db_};
    auto letters = db_->prepare("DELETE FROM letter WHERE inbox = ?");
    letters.bind(id_).run();
    auto row = db_->prepare("DELETE FROM inbox WHERE id = ?");
    row.bind(id_).run();
    t.commit();
  });
}

// Made anew when somebody took its reader for dead.
void sqlite_inbox::renew() {
  auto const expires = store_->now_us() + reader_life.count();
  auto const write = [&](statement& row) {
    row.bind(std::string_view{spec_.name.str()}).bind(std::string_view{spec_.exchange});
    row.bind(std::string_view{spec_.exchange_type}).bind(std::string_view{spec_.routing_key}).bind(expires).run();
  };
  if (id_ == 0) {
    auto row = db_->prepare("INSERT INTO inbox(name, exchange, type, routing_key, expires) VALUES (?, ?, ?, ?, ?)");
    write(row);
    id_ = db_->last_id();
  } else {
    auto row = db_->prepare(
        "INSERT OR REPLACE INTO inbox(id, name, exchange, type, routing_key, expires) VALUES (?, ?, ?, ?, ?, ?)");
    row.bind(id_);
    write(row);
  }
  renewed_ = std::chrono::steady_clock::now();
}

bool sqlite_inbox::has_letters() {
  auto any = db_->prepare("SELECT 1 FROM letter WHERE inbox = ? LIMIT 1");
  return any.bind(id_).step();
}

std::vector<wire::envelope> sqlite_inbox::open_letters() {
  std::vector<wire::envelope> out;
  transaction t{*db_};
  std::int64_t last = 0;
  {
    auto letters = db_->prepare("SELECT id, head, body, expires FROM letter WHERE inbox = ? ORDER BY id LIMIT ?");
    letters.bind(id_).bind(at_once);
    while (letters.step()) {
      last = letters.integer(0);
      wire::envelope e;
      if (letters.integer(3) <= store_->now_us()) continue;
      if (auto ok = read_head(letters.blob(1), e); !ok) {
        log::warning("inbox " + spec_.name.str() + ": " + ok.error().text() + "; the message is dropped");
        continue;
      }
      e.body = letters.blob(2);
      out.push_back(std::move(e));
    }
  }
  auto gone = db_->prepare("DELETE FROM letter WHERE inbox = ? AND id <= ?");
  gone.bind(id_).bind(last).run();
  t.commit();
  return out;
}

expected<std::vector<wire::envelope>> sqlite_inbox::take(deadline until) {
  return store::attempt([&] {
    std::vector<wire::envelope> out;
    for (;;) {
      db_->set_deadline(store_->lock_deadline(deadline::in(5s)));
      auto const seen = store_->wake().look(words_);
      bool const interrupted = interrupter_.take();
      if (std::chrono::steady_clock::now() - renewed_ >= renewal) renew();
      if (has_letters()) out = open_letters();
      if (!out.empty() || interrupted || until.passed()) return out;
      store_->wake().wait(seen, interrupter_, until.sooner(deadline::at(renewed_ + renewal)));
    }
  });
}

}  // namespace

std::vector<inbox_row> living_inboxes(database& db, std::int64_t now) {
  std::vector<inbox_row> out;
  auto rows = db.prepare("SELECT id, name, exchange, type, routing_key FROM inbox WHERE expires > ?");
  rows.bind(now);
  while (rows.step()) {
    inbox_row r;
    r.id = rows.integer(0);
    r.spec.name = queue_name{std::string{rows.text(1)}};
    r.spec.exchange = rows.text(2);
    r.spec.exchange_type = rows.text(3);
    r.spec.routing_key = rows.text(4);
    out.push_back(std::move(r));
  }
  return out;
}

void remove_dead_inboxes(database& db, std::int64_t now) {
  auto const any = [&] {
    auto dead = db.prepare("SELECT 1 FROM inbox WHERE expires <= ? LIMIT 1");
    return dead.bind(now).step();
  };
  if (!any()) return;
  auto inboxes = db.prepare("DELETE FROM inbox WHERE expires <= ?");
  inboxes.bind(now).run();
  auto letters = db.prepare("DELETE FROM letter WHERE inbox NOT IN (SELECT id FROM inbox)");
  letters.run();
}

void post_letter(database& db, inbox_row const& to, outgoing const& m, std::int64_t now) {
  auto const head = write_head(m.envelope);
  auto row = db.prepare("INSERT INTO letter(inbox, head, body, expires) VALUES (?, ?, ?, ?)");
  row.bind(to.id).bind_blob(head).bind_blob(m.envelope.body).bind(now + letter_life.count()).run();
}

void trim_letters(database& db, std::vector<inbox_row> const& inboxes) {
  auto old = db.prepare(
      "DELETE FROM letter WHERE inbox = ? AND id <= "
      "(SELECT id FROM letter WHERE inbox = ? ORDER BY id DESC LIMIT 1 OFFSET ?)");
  for (auto const& i : inboxes) {
    if (!hears_broadcasts(i.spec)) continue;
    old.again();
    old.bind(i.id).bind(i.id).bind(static_cast<std::int64_t>(inbox_holds)).run();
  }
}

std::unique_ptr<inbox> make_inbox(std::shared_ptr<sqlite_store> on, queue_spec const& queue, deadline until) {
  return std::make_unique<sqlite_inbox>(std::move(on), queue, until);
}

}  // namespace lovage::broker::sqlite
