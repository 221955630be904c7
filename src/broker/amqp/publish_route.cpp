// Where a publisher sends a message, and what it declares before.
#include "broker/amqp/content.hpp"
#include "broker/amqp/ladder.hpp"
#include "broker/amqp/publish_job.hpp"

#include <lovage/iso_time.hpp>

namespace lovage::broker::amqp {
namespace {

using namespace std::chrono_literals;

/// A receiver reads the time from the header `eta`; where that does not say it, from ours.
bool eta_says(wire::envelope const& e, time_point due) {
  auto const* eta = find(e.headers, "eta");
  auto const* text = eta ? eta->get_if<std::string>() : nullptr;
  auto const parsed = text ? iso_to_datetime(*text) : std::nullopt;
  return parsed && parsed->to_time_point() == due;
}

std::optional<int> priority_of(outgoing const& m) {
  return m.priority != 0 ? std::optional{std::clamp(m.priority, 0, 9)} : m.envelope.properties.priority;
}

}  // namespace

expected<publisher::route> publisher::resolve(address const& to) {
  if (to.queue.empty()) return resolve_exchange(to);
  if (to.how == letter::way::dead) {
    auto spec = with_.queues.find(to.queue);
    if (!spec) {
      spec = queue_spec{};
      spec->name = to.queue;
    }
    auto name = declarer_.dead_queue(*spec);
    if (!name) return fail(name.error());
    return route{{}, name->str()};
  }
  return resolve_queue(to);
}

expected<publisher::route> publisher::resolve_queue(address const& to) {
  auto const& name = to.queue.str();
  route out{{}, name, to.must_route};
  bool broadcast = false;
  if (to.how == letter::way::declared && to.must_route) {
    auto const known = routes_.find(name);
    if (known != routes_.end() && !to.due) return known->second;
    auto const spec = with_.queues.find(to.queue);
    if (!spec) return fail(spec.error());
    broadcast = spec->broadcast;
    auto const declared = broadcast ? declarer_.exchange(*spec) : declarer_.queue(*spec);
    if (!declared) return fail(declared.error());
    if (spec->exchange_type != "direct") out.exchange = spec->exchange, out.key = spec->routing_key;
    routes_.insert_or_assign(name, out);
  }
  if (!to.due || broadcast || !to.must_route) return out;
  auto const seconds = ladder::whole_seconds(*to.due, with_.now());
  auto const key = ladder::key_for(to.queue, seconds);
  if (!key && to.how == letter::way::delayed)
    return fail(errc::not_supported, "the queue's name is too long for the delay queues", name);
  if (seconds < 1s || !key) return out;
  auto const made = declarer_.delays(to.queue, with_.delay_queue_type);
  if (!made) return fail(made.error());
  if (*made) out = {ladder::level_name(ladder::levels - 1), *key, true, true, false};
  if (!*made && to.how == letter::way::delayed)
    return fail(errc::not_supported, "this RabbitMQ has no delay queues", name);
  return out;
}

// A delay is left to whoever receives it: which queues it will reach is not known here.
expected<publisher::route> publisher::resolve_exchange(address const& to) {
  route const out{to.exchange, to.routing_key, to.must_route};
  bool known = false;
  for (auto const& q : with_.queues.queues) {
    if (q.exchange != to.exchange) continue;
    known = true;
    auto const declared = q.broadcast ? declarer_.exchange(q) : declarer_.queue(q);
    if (!declared) return fail(declared.error());
  }
  if (known) return out;
  if (!to.exchange_type.empty()) {
    queue_spec made;
    made.exchange = to.exchange;
    made.exchange_type = to.exchange_type;
    if (auto const declared = declarer_.exchange(made); !declared) return fail(declared.error());
    return out;
  }
  auto const exists = declarer_.exchange_exists(to.exchange);
  if (!exists) return fail(exists.error());
  if (*exists) return out;
  if (to.must_route)
    return fail(errc::unavailable, "no queue takes it: there is no exchange '" + to.exchange + "'",
                "exchange " + to.exchange + ", key " + to.routing_key);
  auto none = out;
  none.nowhere = true;
  return none;
}

expected<void> publisher::encode(session& on, item& i, route const& via) {
  std::lock_guard const lock{i.of->mutex};
  if (i.of->abandoned) return fail(errc::timeout, "nobody waits for it any more");
  auto const& m = i.of->at(i.index);
  value::map added;
  if (auto const* more = i.of->added(i.index)) added = *more;
  if (m.due && *m.due > with_.now() && !eta_says(m.envelope, *m.due))
    added.push_back({own::due, m.due->time_since_epoch().count()});
  memory_.clear();
  auto properties = to_properties(m.envelope, priority_of(m), added, memory_);
  if (!properties) return fail(properties.error());
  // In a delay queue it would expire to the next level, too early; the header `expires` stays.
  if (via.delayed) properties->_flags &= ~static_cast<amqp_flags_t>(AMQP_BASIC_EXPIRATION_FLAG);
  amqp_basic_publish_t how{};
  how.exchange = borrow(via.exchange);
  how.routing_key = borrow(via.key);
  how.mandatory = via.mandatory ? 1 : 0;
  return on.out().publish(1, how, *properties, m.envelope.body);
}

}  // namespace lovage::broker::amqp
