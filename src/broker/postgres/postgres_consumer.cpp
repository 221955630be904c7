#include "broker/postgres/postgres_consumer.hpp"

#include "core/log.hpp"
#include "io/polling.hpp"

#include <algorithm>

namespace lovage::broker::postgres_broker {
namespace {

using namespace std::chrono_literals;

constexpr auto connect_grace = 1s;
constexpr auto close_patience = 5s;
// NOTIFY tells of all that comes but for what its sender died after; this finds it.
constexpr auto slow_look = 2s;

// Claims are lost with the server's power at worst, and done again: only who publishes waits for the disk. All that
// the consumer asks is found by an index, whatever the planner thinks of tables that were empty a moment ago.
constexpr char const* at_connect =
    "SET synchronous_commit = off; SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off;"
    "SET enable_mergejoin = off";

constexpr std::string_view queue_of_name = "SELECT lovage.queue_id($1)";
constexpr std::string_view free_what_is_not_held =
    "UPDATE lovage.message SET session = 0, redelivered = true WHERE session = $1 AND NOT id = ANY ($2)";

}  // namespace

postgres_consumer::postgres_consumer(std::shared_ptr<shared> on, consumer_options with)
    : on_{on}, options_{std::move(with)}, line_{on, at_connect}, member_{std::move(on), options_.session_name} {}

expected<void> postgres_consumer::open(deadline until) {
  std::lock_guard const lock{mutex_};
  for (std::size_t i = 0; i < options_.queues.size(); ++i) {
    if (auto spec = on_->with.queues.find(options_.queues[i]); !spec) return fail(spec.error());
    queues_.add(options_.queues[i], options_.weight(i));
  }
  served_ = queues_.served();
  if (auto up = connect(until); !up) return up;
  keeper_ = std::thread{[this] { keep(); }};
  return {};
}

// What a session keeps is made anew with each: our lock and row, what we listen to, and that we sleep.
expected<void> postgres_consumer::connect(deadline until) {
  if (auto up = line_.ensure(until, wake_.fd()); !up) return up;
  if (member_.joined(line_)) return {};
  asleep_on_.clear();
  if (auto joined = member_.join(line_, until); !joined) return joined;
  for (auto i = queue_ids_.size(); i < queues_.size(); ++i)
    if (auto known = learn_queue(queues_.name(i), until); !known) return known;
  if (auto heard = listen(until); !heard) return heard;
  heard_ = clock::now().time_since_epoch().count();
  return free_what_we_do_not_hold(until);
}

// A claim whose answer was lost with the connection; and what we had ended, when the server died before it wrote that
// down (synchronous_commit is off): it stands there as ours again, and nobody else may take it while we live.
expected<void> postgres_consumer::free_what_we_do_not_hold(deadline until) {
  if (line_.sessions() == 1) return {};
  std::vector<std::int64_t> ids;
  for (auto const tag : held_.tags()) ids.push_back(static_cast<std::int64_t>(tag));
  postgres_call call{free_what_is_not_held};
  call.values.integer(member_.id()).integers(ids);
  if (auto freed = line_.exchange_one(call, until); !freed) return fail(freed.error());
  return {};
}

expected<void> postgres_consumer::learn_queue(queue_name const& name, deadline until) {
  postgres_call call{queue_of_name};
  call.values.text(name.str());
  auto const id = line_.exchange_one(call, until);
  if (!id) return fail(id.error());
  queue_ids_.push_back(id->integer(0, 0));
  return {};
}

expected<void> postgres_consumer::listen(deadline until) {
  std::string all = std::string{"LISTEN "} + common_channel;
  for (auto const id : queue_ids_) all += "; LISTEN " + queue_channel(id);
  return line_.session().script(all, on_->within_heartbeat(until));
}

expected<void> postgres_consumer::subscribe(queue_spec const& queue, deadline until) {
  std::lock_guard const lock{mutex_};
  if (closed_) return fail(errc::closed, "the consumer was closed", options_.session_name);
  if (auto up = connect(until); !up) return up;
  queues_.add(queue.name);
  served_ = queues_.served();
  for (auto i = queue_ids_.size(); i < queues_.size(); ++i)
    if (auto known = learn_queue(queues_.name(i), until); !known) return known;
  return listen(until);
}

expected<void> postgres_consumer::unsubscribe(queue_name const& queue, deadline) {
  std::lock_guard const lock{mutex_};
  queues_.remove(queue);
  return served_ = queues_.served(), expected<void>{};
}

void postgres_consumer::select(std::span<queue_name const> queues) {
  std::lock_guard const lock{mutex_};
  queues_.select(queues);
  served_ = queues_.served();
}

std::vector<revocation> postgres_consumer::revoked() {
  std::lock_guard const lock{mutex_};
  return std::exchange(revoked_, {});
}

void postgres_consumer::interrupt() {
  interrupted_ = true;
  wake_.raise();
}

deadline postgres_consumer::next_look(deadline until) const {
  return until.sooner(deadline::in(slow_look)).sooner(deadline::at(due_at_));
}

expected<std::vector<delivery>> postgres_consumer::claim(std::size_t max, deadline until) {
  auto const grace = deadline::in(connect_grace);
  auto const patience = until.when() < grace.when() ? grace : until;
  while (true) {
    std::unique_lock lock{mutex_};
    if (closed_ || closing_) return fail(errc::closed, "the consumer was closed", options_.session_name);
    if (max == 0) return deliveries{};
    (void)wake_.take();
    bool const stop = interrupted_.exchange(false);
    auto got = look(max, stop ? grace : patience);
    if (got && (!got->empty() || stop || !revoked_.empty() || until.passed())) return got;
    if (stop) return deliveries{};
    if (!got && (line_.up() || until.passed() || got.error().code == errc::bad_config)) return got;
    if (!got) continue;  // interrupted, or lost: connected again by the next look
    busy_looks_ = 0;
    pass_on_what_was_notified();
    auto const fd = line_.descriptor();
    auto const next = next_look(until);
    lock.unlock();
    (void)io::wait_for(fd, POLLIN, next, wake_.fd());
  }
}

bool postgres_consumer::consuming() const {
  auto const heartbeat = on_->with.connection.heartbeat;
  if (heartbeat.count() <= 0) return true;
  return clock::now() - clock::time_point{clock::duration{heard_.load()}} < heartbeat + 2s;
}

void postgres_consumer::close() {
  closing_ = true;
  wake_.raise();
  held_.stop();
  if (keeper_.joinable()) keeper_.join();
  std::lock_guard const lock{mutex_};
  if (std::exchange(closed_, true)) return;
  auto const done = give_back_everything(deadline::in(close_patience));
  // Not given back now: other workers do, once the server has noticed that we are gone.
  if (!done) log::warning("cannot give back messages: " + done.error().text());
  line_.drop();
}

void postgres_consumer::keep() {
  auto const interval = std::clamp<clock::duration>(on_->how.lovage_lease / 12, 50ms, 500ms);
  auto next = clock::now() + interval;
  while (!held_.stopped()) {
    if (clock::now() >= next) {
      tick();
      next = clock::now() + interval;
    }
    if (!held_.wait_for_start(next)) continue;
    (void)held_.wait_for_stop(clock::now() + 20ms);
    std::lock_guard const lock{mutex_};
    if (line_.up() && member_.joined(line_)) (void)member_.write_marks(line_, held_, deadline::in(1s));
    pass_on_what_was_notified();
  }
}

// What was read with the answer to a question wakes nobody who waits for the descriptor.
void postgres_consumer::pass_on_what_was_notified() {
  if (!line_.up()) return;
  if (auto const told = line_.session().notified(); !told || !told->empty()) wake_.raise();
}

void postgres_consumer::tick() {
  std::lock_guard const lock{mutex_};
  if (closing_) return;
  auto const until = on_->within_heartbeat(deadline::in(5s));
  auto const before = line_.sessions();
  auto done = line_.up() ? expected<void>{} : connect(deadline::in(250ms));
  if (done) done = member_.joined(line_) ? expected<void>{} : connect(until);
  if (line_.sessions() != before) wake_.raise();  // whoever waits does so on a connection that is gone
  if (done) done = member_.tick(line_, held_, until);
  pass_on_what_was_notified();
  if (!done) return say_once(done.error());
  heard_ = clock::now().time_since_epoch().count();
  said_.clear();
}

void postgres_consumer::say_once(error_info const& why) {
  if (auto text = "cannot keep the worker's session: " + why.text(); text != said_) {
    log::warning(text);
    said_ = std::move(text);
  }
}

expected<std::unique_ptr<consumer>> make_consumer(std::shared_ptr<shared> on, consumer_options with, deadline until) {
  auto made = std::make_unique<postgres_consumer>(std::move(on), std::move(with));
  if (auto done = made->open(until); !done) return fail(done.error());
  return std::unique_ptr<consumer>{std::move(made)};
}

}  // namespace lovage::broker::postgres_broker
