#include "broker/postgres/line.hpp"

#include "broker/postgres/schema.hpp"
#include "io/signal_flag.hpp"

#include <random>

namespace lovage::broker::postgres_broker {
namespace {

using namespace std::chrono_literals;

double uniform_draw() {
  thread_local std::minstd_rand source{std::random_device{}()};
  return std::uniform_real_distribution<double>{0, 1}(source);
}

// Plans are made once, for tables that are empty or full within seconds: only those that hold for both are wanted.
constexpr char const* in_every_session =
    "SET default_transaction_isolation = 'read committed'; SET plan_cache_mode = force_generic_plan; SET jit = off;"
    "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;";

}  // namespace

line::line(std::shared_ptr<shared> on, std::string at_connect)
    : on_{std::move(on)},
      at_connect_{in_every_session + std::move(at_connect)},
      link_{{on_->addresses.size(), on_->with.connection.strategy == failover::shuffle},
            io::link::clock::now(),
            uniform_draw} {}

expected<std::unique_ptr<sql::postgres_session>> line::connect(deadline until) {
  auto const soon = until.sooner(deadline::in(on_->with.connection.connect_timeout));
  auto made = sql::postgres_session::open(on_->addresses[link_.address()], soon);
  if (!made) return made;
  if (!on_->prepared) {
    if (auto ready = prepare_schema(**made, until.sooner(deadline::in(60s))); !ready) return fail(ready.error());
    on_->prepared = true;
  }
  if (auto set = (*made)->script(at_connect_, soon); !set) return fail(set.error());
  return made;
}

void line::note_lost() {
  session_.reset();
  if (link_.now_in() != io::link::phase::back_off) link_.lost(io::link::clock::now());
}

// A session that the server has ended meanwhile is found out here, before anything is sent over it.
expected<void> line::ensure(deadline until, int wake) {
  if (up() && session_->peek()) return {};
  note_lost();
  while (true) {
    if (link_.due(io::link::clock::now())) {
      auto made = connect(until);
      if (made) {
        session_ = *std::move(made);
        link_.connected();
        link_.ready();
        ++made_;
        return {};
      }
      why_ = made.error();
      link_.lost(io::link::clock::now());
      if (why_.code == errc::bad_config) return fail(why_);
    }
    if (until.passed()) return fail(why_);
    if (!io::sleep_until(std::min(link_.due_at(), until.when()), wake)) return fail(why_);
  }
}

expected<std::vector<postgres_rows>> line::exchange(std::span<postgres_call const> calls, deadline until) {
  if (!up()) return fail(errc::unavailable, "the connection is lost");
  auto out = session_->exchange(calls, until);
  if (!out && !session_->alive()) {
    why_ = out.error();
    note_lost();
  }
  return out;
}

expected<postgres_rows> line::exchange_one(postgres_call const& call, deadline until) {
  auto all = exchange({&call, 1}, until);
  if (!all) return fail(all.error());
  return std::move(all->back());
}

}  // namespace lovage::broker::postgres_broker
