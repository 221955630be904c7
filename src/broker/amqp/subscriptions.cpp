// Queues that come and go while a subscriber works.
#include "broker/amqp/subscriber.hpp"
#include "core/ids.hpp"

#include <algorithm>

namespace lovage::broker::amqp {
namespace {

constexpr std::size_t most_prefetched = 10'000;

}  // namespace

void subscriber::know(queue_spec queue, int weight) {
  source s{std::move(queue), {}};
  turns_.add(weight);
  s.queue = s.spec.broadcast ? queue_name{"bcast." + random_uuid().str()} : s.spec.name;
  queues_.add(s.spec.name, weight);
  served_ = queues_.served();
  if (list_.queues() == sources_.size()) list_.add_queue();
  sources_.push_back(std::move(s));
}

bool subscriber::takes_from(std::size_t source) const {
  std::lock_guard const lock{mutex_};
  return queues_.has(source);
}

// Of a pool that has grown since.
std::size_t subscriber::slots_of(std::size_t wanted) const {
  auto const planned = options_.prefetch;
  auto const now = planned == 0 || wanted <= planned ? options_.slots : options_.slots * wanted / planned;
  return std::min(now, wanted);
}

// A share for each queue, by its weight, since RabbitMQ counts by consumer; together about as much as was asked for.
// What is at work counts too: a queue that is the only one with work needs a message for every slot.
std::uint16_t subscriber::prefetch_of(std::size_t source) {
  std::lock_guard const lock{mutex_};
  if (auto const its = sources_[source].ahead)
    return static_cast<std::uint16_t>(std::clamp<std::size_t>(std::min(*its, fits_), 1, most_prefetched));
  std::size_t all = 0;
  auto const weight = [&](std::size_t i) {
    return static_cast<std::size_t>(queues_.picker().order() == queue_order::weighted ? queues_.picker().weight(i) : 1);
  };
  for (std::size_t i = 0; i < queues_.size(); ++i)
    if (queues_.has(i)) all += weight(i);
  auto const wanted = std::min(prefetch_ == 0 ? most_prefetched : prefetch_, fits_);
  auto const share = std::max((wanted * weight(source) + all - 1) / std::max<std::size_t>(all, 1), slots_of(wanted));
  return static_cast<std::uint16_t>(std::clamp<std::size_t>(share, 1, 65'535));
}

void subscriber::widen(std::size_t prefetch) {
  {
    std::lock_guard const lock{mutex_};
    if (prefetch_ == 0 || prefetch <= prefetch_) return;
    prefetch_ = prefetch;
  }
  session_.wake();
}

std::size_t subscriber::prefetch_now() const {
  std::lock_guard const lock{mutex_};
  return std::min(prefetch_ == 0 ? most_prefetched : prefetch_, fits_);
}

// RabbitMQ counts by consumer, and for those that begin after the change. A broadcast's queue would go with its
// consumer.
void subscriber::follow_prefetch(session& on) {
  if (stopped_) return;
  auto const now = prefetch_now();
  bool const changed = std::exchange(consumed_with_, now) != now;
  for (std::size_t i = 0; i < sources_.size() && !on.broken(); ++i) {
    bool const tuned = is_tuned(i);
    if ((!tuned && (!changed || !sources_[i].consuming)) || sources_[i].spec.broadcast) continue;
    auto ok = stop_consuming(on, i);
    if (ok && takes_from(i) && !rests(i)) ok = consume(on, i);
    if (!ok) return on.abandon(ok.error());
  }
}

expected<void> subscriber::add(queue_spec const& queue, deadline until) {
  auto const what = std::make_shared<change>();
  what->queue = queue;
  return make(what, until);
}

expected<void> subscriber::remove(queue_name const& queue, deadline until) {
  auto const what = std::make_shared<change>();
  what->queue.name = queue;
  what->add = false;
  return make(what, until);
}

void subscriber::select(std::span<queue_name const> queues) {
  std::lock_guard const lock{mutex_};
  queues_.select(queues);
  served_ = queues_.served();
}

expected<void> subscriber::make(std::shared_ptr<change> const& what, deadline until) {
  std::unique_lock lock{mutex_};
  changes_.push_back(what);
  lock.unlock();
  session_.wake();
  lock.lock();
  auto const over = [&] { return what->done || closed_; };
  if (until.is_never()) {
    changed_.wait(lock, over);
  } else {
    changed_.wait_until(lock, until.when(), over);
  }
  if (what->done) return what->result;
  what->abandoned = true;
  if (closed_) return fail(closed());
  return fail(errc::timeout, "no connection to RabbitMQ in time", with_.to.all.front().text());
}

std::vector<std::shared_ptr<subscriber::change>> subscriber::changes() {
  std::lock_guard const lock{mutex_};
  auto out = std::exchange(changes_, {});
  std::erase_if(out, [](auto const& c) { return c->abandoned; });
  return out;
}

void subscriber::finish(change& what, expected<void> result) {
  std::lock_guard const lock{mutex_};
  what.result = std::move(result);
  what.done = true;
  changed_.notify_all();
}

void subscriber::make_changes(session& on) {
  for (auto const& c : changes()) {
    if (on.broken()) {
      std::lock_guard const lock{mutex_};  // for the next connection
      changes_.push_back(c);
      continue;
    }
    auto done = c->add ? add_source(on, c->queue) : drop_source(on, c->queue.name);
    if (done || !on.broken()) {
      finish(*c, std::move(done));
      continue;
    }
    std::lock_guard const lock{mutex_};
    changes_.push_back(c);
  }
}

expected<void> subscriber::add_source(session& on, queue_spec const& queue) {
  std::size_t index = 0;
  {
    std::lock_guard const lock{mutex_};
    if (queues_.find(queue.name)) return {};
    index = queues_.add(queue.name);
    if (index == sources_.size()) {
      know(queue, 1);
    } else if (sources_[index].spec != queue) {
      sources_[index].spec = queue;
    }
    served_ = queues_.served();
  }
  auto ok = declare(index);
  if (ok && !rests(index)) ok = consume(on, index);
  if (ok) return ok;
  std::lock_guard const lock{mutex_};
  queues_.remove(queue.name);
  served_ = queues_.served();
  return ok;
}

expected<void> subscriber::drop_source(session& on, queue_name const& queue) {
  std::optional<std::size_t> index;
  {
    std::lock_guard const lock{mutex_};
    index = queues_.remove(queue);
    served_ = queues_.served();
  }
  if (!index) return {};
  return stop_consuming(on, *index);
}

expected<void> subscriber::stop_consuming(session& on, std::size_t source) {
  if (sources_[source].consuming)
    if (auto ok = cancel(on, source); !ok) return ok;
  hand_in(on);
  give_back(source);
  return {};
}

expected<void> subscriber::cancel(session& on, std::size_t source) {
  auto const tag = std::to_string(source);
  amqp_basic_cancel_t m{};
  m.consumer_tag = borrow(tag);
  auto const r = on.call(receiving_channel, AMQP_BASIC_CANCEL_METHOD, &m, AMQP_BASIC_CANCEL_OK_METHOD);
  if (!r.ok()) return fail(fault_of(r, sources_[source].queue.str()));
  sources_[source].consuming = false;
  return {};
}

// What came and was not claimed.
void subscriber::give_back(std::size_t source) {
  std::lock_guard const lock{mutex_};
  for (auto const& e : list_.take_all(source)) {
    waiting_octets_ -= e.octets();
    commands_.push_back({e.what.tag, false});
  }
  for (auto at = due_.begin(); at != due_.end();) {
    bool const its = at->second.source == source;
    if (its) {
      waiting_octets_ -= at->second.octets();
      commands_.push_back({at->second.what.tag, false});
    }
    at = its ? due_.erase(at) : std::next(at);
  }
}

}  // namespace lovage::broker::amqp
