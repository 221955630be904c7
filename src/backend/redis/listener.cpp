#include "backend/redis/listener.hpp"

#include "core/log.hpp"

#include <poll.h>
#include <sys/eventfd.h>

namespace lovage::backend::redis {
namespace {

using namespace std::chrono_literals;
using lovage::redis::commands;
using wire::result_record;

constexpr std::size_t names_at_once = 1'000;  ///< in one SUBSCRIBE
constexpr std::size_t heard_at_once = 1'000;  ///< messages, before anybody is told
constexpr std::size_t read_at_once = 500;     ///< of what is stored
constexpr auto read_limit = 5s;               ///< for one such piece

void add_names(commands& to, char const* verb, key_names const& names, std::vector<std::string> const& ids) {
  for (std::size_t i = 0; i < ids.size(); i += names_at_once) {
    auto const n = std::min(names_at_once, ids.size() - i);
    to.begin(1 + n);
    to.word(verb);
    for (std::size_t k = i; k < i + n; ++k) to.word(names.result(ids[k]));
  }
}

}  // namespace

void listener::run() {
  for (;;) {
    {
      std::lock_guard const lock{mutex_};
      if (stop_) return;
    }
    try {
      turn();
    } catch (std::exception const& e) {
      lost({errc::internal, e.what(), "results in Redis"});
      log::error(std::string{"waiting for results: "} + e.what());
    }
  }
}

void listener::turn() {
  if (!connection_ && !connect()) return;
  awaited::orders orders;
  bool const idle = take_orders(orders);
  if (auto done = carry_out(orders); !done) return lost(done.error());
  if (!orders.fetch.empty()) return;  // what was found may have left something to unsubscribe from
  if (auto heard = hear(idle); !heard) {
    lost(heard.error());
  } else {
    deliver(*heard);
  }
}

/// Requires the lock. The poke that says stop stays: it must also end the wait that is about to begin.
void listener::heed_poke() {
  if (stop_ || !std::exchange(poked_, false)) return;
  eventfd_t ignored = 0;
  ::eventfd_read(wake_.get(), &ignored);
}

/// True when there is nothing to wait for.
bool listener::take_orders(awaited::orders& out) {
  std::lock_guard const lock{mutex_};
  heed_poke();
  out = awaited_.take_orders();
  return awaited_.idle();
}

// One step towards a connection: nothing while nobody waits, a sleep while it is not due, one attempt when it is.
bool listener::connect() {
  bool idle = false;
  {
    std::lock_guard const lock{mutex_};
    if (stop_) return false;
    heed_poke();
    idle = awaited_.idle();
  }
  auto const now = clock::now();
  if (idle || !link_.due(now)) {
    pollfd woken{wake_.get(), POLLIN, 0};
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(link_.due_at() - now);
    ::poll(&woken, 1, idle ? -1 : static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    return false;
  }
  auto made = reads_->attempt(link_, deadline::never());
  if (!made) return lost(made.error()), false;
  link_.connected();
  connection_ = *std::move(made);
  heard_ = asked_ = clock::now();
  std::lock_guard const lock{mutex_};
  if (trouble_) log::info("waiting for results in Redis works again");
  trouble_.reset();
  return true;
}

// Whoever waits goes on waiting: the next connection subscribes and looks again.
void listener::lost(error_info why) {
  connection_.reset();
  link_.lost(clock::now());
  std::lock_guard const lock{mutex_};
  awaited_.lost();
  if (awaited_.idle()) return;
  if (!trouble_) log::warning("waiting for results in Redis: " + why.text() + "; it is tried again");
  trouble_ = std::move(why);
  for (auto* w : watches_) w->wake();
}

expected<void> listener::carry_out(awaited::orders const& orders) {
  commands c;
  add_names(c, "UNSUBSCRIBE", names_, orders.unsubscribe);
  add_names(c, "SUBSCRIBE", names_, orders.subscribe);
  if (!c.empty()) {
    auto const limit = heartbeat_.count() > 0 ? deadline::in(heartbeat_) : deadline::never();
    if (auto sent = connection_->send(c, limit); !sent) return sent;
  }
  return look_at(orders.fetch);
}

// Piece by piece, so that a server that is slow with many and large records still gets on.
expected<void> listener::look_at(std::vector<std::string> const& ids) {
  for (std::size_t i = 0; i < ids.size(); i += read_at_once) {
    auto const first = ids.begin() + static_cast<std::ptrdiff_t>(i);
    std::vector<std::string> some(first, first + static_cast<std::ptrdiff_t>(std::min(read_at_once, ids.size() - i)));
    auto const limit = heartbeat_.count() > 0 ? deadline::in(heartbeat_) : deadline::never();
    auto stored = read_stored(*reads_, names_, std::move(some), lovage::redis::repeat::no,
                              limit.sooner(deadline::in(read_limit)));
    if (!stored) return fail(stored.error());
    hearing heard;
    for (auto& s : *stored)
      if (s.record) heard.found.push_back({s.id, codec_.read(*s.record, s.id)});
    deliver(heard);
  }
  return {};
}

// A server from which nothing comes is asked at half of the heartbeat, and given up at the whole.
expected<void> listener::prove_life() {
  auto const now = clock::now();
  if (now - heard_ >= heartbeat_) return fail(errc::timeout, "Redis has fallen silent", connection_->where().text());
  if (now - std::max(heard_, asked_) < heartbeat_ / 2) return {};
  asked_ = now;
  commands c;
  c.add({"PING"});
  return connection_->send(c, deadline::in(heartbeat_));
}

expected<listener::hearing> listener::hear(bool idle) {
  if (std::exchange(was_idle_, idle)) heard_ = asked_ = clock::now();  // nobody listened: its silence says nothing
  bool const watched = !idle && heartbeat_.count() > 0;
  if (watched)
    if (auto alive = prove_life(); !alive) return fail(alive.error());
  auto until = deadline::never();
  if (watched) until = deadline::at(std::min(heard_ + heartbeat_, std::max(heard_, asked_) + heartbeat_ / 2));
  hearing out;
  for (std::size_t n = 0; n < heard_at_once; ++n) {
    auto said = connection_->receive(n == 0 ? until : deadline::now(), wake_.get());
    if (!said) return fail(said.error());
    if (!*said) break;
    link_.ready();
    if (n == 0) heard_ = clock::now();
    understand(**std::move(said), out);
  }
  return out;
}

void listener::understand(lovage::redis::reply&& said, hearing& out) const {
  if (said.items.size() != 3) return;  // PONG
  std::string id{names_.id_of(said.items[1].text)};
  auto const& kind = said.items[0].text;
  if (kind == "subscribe") {
    out.subscribed.push_back(std::move(id));
  } else if (kind == "message") {
    auto record = codec_.read(said.items[2].text, id);
    if (record && !record->ready()) {
      out.changed.push_back(std::move(id));
    } else {
      out.found.push_back({std::move(id), std::move(record)});
    }
  }
}

void listener::deliver(hearing const& heard) {
  std::lock_guard const lock{mutex_};
  for (auto const& id : heard.subscribed) awaited_.subscribed(id);
  for (auto const& id : heard.changed) awaited_.changed(id);
  for (auto const& f : heard.found) deliver_one(f);
}

void listener::deliver_one(finding const& f) {
  bool const last = !f.record || f.record->ready();
  for (auto* reader : last ? awaited_.finish(f.id) : awaited_.readers(f.id)) {
    auto& to = *static_cast<news*>(reader);
    if (f.record) {
      to.tell(*f.record);
    } else {
      to.tell(f.id, f.record.error());
    }
  }
}

}  // namespace lovage::backend::redis
