// Inboxes: a row says who listens to what; its reader renews it, so that what is sent to a program that died is dropped
// a minute later.
#include "broker/postgres/parts.hpp"
#include "core/log.hpp"
#include "io/polling.hpp"
#include "io/signal_flag.hpp"

#include <atomic>

namespace lovage::broker::postgres_broker {
namespace {

using namespace std::chrono_literals;
using steady_clock = std::chrono::steady_clock;

constexpr auto renewal = 20s;
constexpr auto take_grace = 1s;

constexpr std::string_view new_inbox = "SELECT nextval(pg_get_serial_sequence('lovage.inbox', 'id'))";
constexpr std::string_view write_inbox =
    "INSERT INTO lovage.inbox (id, name, exchange, type, routing_key, expires)"
    " VALUES ($1, $2, $3, $4, $5, now() + interval '1 minute')"
    " ON CONFLICT (id) DO UPDATE SET expires = excluded.expires";
constexpr std::string_view remove_dead =
    "WITH gone AS (DELETE FROM lovage.inbox WHERE expires <= now() RETURNING id) "
    "DELETE FROM lovage.letter WHERE expires <= now() OR inbox IN (SELECT id FROM gone)";
constexpr std::string_view take_letters =
    "WITH taken AS (DELETE FROM lovage.letter WHERE inbox = $1 AND id IN"
    " (SELECT id FROM lovage.letter WHERE inbox = $1 ORDER BY id LIMIT 1000) RETURNING id, head, body, expires) "
    "SELECT head, body FROM taken WHERE expires > now() ORDER BY id";
constexpr std::string_view remove_inbox = "DELETE FROM lovage.inbox WHERE id = $1";
constexpr std::string_view remove_letters = "DELETE FROM lovage.letter WHERE inbox = $1";
constexpr std::string_view see_inboxes =
    "SELECT id, name, exchange, type, routing_key FROM lovage.inbox WHERE expires > now()";

class postgres_inbox final : public inbox {
 public:
  postgres_inbox(std::shared_ptr<shared> on, queue_spec spec)
      : on_{on}, spec_{std::move(spec)}, line_{std::move(on), "SET synchronous_commit = off"} {}
  ~postgres_inbox() override;
  [[nodiscard]] expected<void> open(deadline until);

  expected<std::vector<wire::envelope>> take(deadline until) override;
  void interrupt() override {
    interrupted_ = true;
    wake_.raise();
  }

 private:
  [[nodiscard]] expected<void> renew(deadline until);
  [[nodiscard]] expected<std::vector<wire::envelope>> open_letters(deadline until);

  std::shared_ptr<shared> const on_;
  queue_spec const spec_;
  line line_;
  std::atomic<bool> interrupted_{false};
  io::signal_flag wake_;
  std::int64_t id_ = 0;
  std::size_t listening_ = 0;  ///< over this session of the line's
  steady_clock::time_point renewed_{};
};

postgres_inbox::~postgres_inbox() {
  if (id_ == 0 || !line_.up()) return;  // it is removed once it has expired
  std::vector<postgres_call> calls{{remove_inbox}, {remove_letters}};
  for (auto& c : calls) c.values.integer(id_);
  (void)line_.exchange(calls, deadline::in(1s));
}

expected<void> postgres_inbox::open(deadline until) {
  if (auto up = line_.ensure(until, wake_.fd()); !up) return up;
  if (id_ == 0) {
    auto const made = line_.exchange_one({new_inbox}, until);
    if (!made) return fail(made.error());
    id_ = made->integer(0, 0);
  }
  if (listening_ == line_.sessions() && steady_clock::now() - renewed_ < renewal) return {};
  if (listening_ != line_.sessions())
    if (auto heard = line_.session().listen(inbox_channel(id_), until); !heard) return heard;
  listening_ = line_.sessions();
  return renew(until);
}

// Made anew when somebody took its reader for dead, or when the server crashed.
expected<void> postgres_inbox::renew(deadline until) {
  std::vector<postgres_call> calls{{remove_dead}, {write_inbox}};
  calls[0].ends = true;
  calls[1].values.integer(id_).text(spec_.name.str()).text(spec_.exchange).text(spec_.exchange_type);
  calls[1].values.text(spec_.routing_key);
  if (auto done = line_.exchange(calls, until); !done) return fail(done.error());
  renewed_ = steady_clock::now();
  return {};
}

expected<std::vector<wire::envelope>> postgres_inbox::open_letters(deadline until) {
  postgres_call call{take_letters};
  call.values.integer(id_);
  auto const rows = line_.exchange_one(call, until);
  if (!rows) return fail(rows.error());
  std::vector<wire::envelope> out;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    wire::envelope e;
    if (auto read = read_row_head(rows->text(i, 0), e); !read) {
      log::warning("inbox " + spec_.name.str() + ": " + read.error().text() + "; the message is dropped");
      continue;
    }
    e.body = rows->text(i, 1);
    out.push_back(std::move(e));
  }
  return out;
}

expected<std::vector<wire::envelope>> postgres_inbox::take(deadline until) {
  while (true) {
    (void)wake_.take();
    bool const stop = interrupted_.exchange(false);
    auto const grace = deadline::in(take_grace);  // a look takes this long however near the deadline is
    auto const patience = until.when() < grace.when() ? grace : until;
    auto const by = on_->within_heartbeat(stop ? grace : patience);
    expected<std::vector<wire::envelope>> got{std::vector<wire::envelope>{}};
    if (auto up = open(stop ? grace : patience); !up)
      got = fail(up.error());
    else
      got = open_letters(by);
    if (got && (!got->empty() || stop || until.passed())) return got;
    if (stop) return std::vector<wire::envelope>{};
    if (!got && (line_.up() || until.passed() || got.error().code == errc::bad_config)) return got;
    if (!got) continue;
    auto const heard = line_.session().wait_notified(until.sooner(deadline::at(renewed_ + renewal)), wake_.fd());
    (void)heard;  // a connection lost meanwhile is made again
  }
}

}  // namespace

expected<std::vector<living_inbox>> living_inboxes(line& over, deadline until) {
  auto const rows = over.exchange_one({see_inboxes}, until);
  if (!rows) return fail(rows.error());
  std::vector<living_inbox> out;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    living_inbox one;
    one.id = rows->integer(i, 0);
    one.spec.name = queue_name{std::string{rows->text(i, 1)}};
    one.spec.exchange = rows->text(i, 2);
    one.spec.exchange_type = rows->text(i, 3);
    one.spec.routing_key = rows->text(i, 4);
    out.push_back(std::move(one));
  }
  return out;
}

expected<std::unique_ptr<inbox>> make_inbox(std::shared_ptr<shared> on, queue_spec const& queue, deadline until) {
  auto made = std::make_unique<postgres_inbox>(std::move(on), queue);
  if (auto done = made->open(until); !done) return fail(done.error());
  return std::unique_ptr<inbox>{std::move(made)};
}

}  // namespace lovage::broker::postgres_broker
