#include "broker/amqp/declarer.hpp"

#include "broker/amqp/ladder.hpp"
#include "broker/amqp/table.hpp"
#include "core/log.hpp"

namespace lovage::broker::amqp {
namespace {

bool is_predeclared(std::string const& exchange) { return exchange.empty() || exchange.starts_with("amq."); }

}  // namespace

error_info fault_of(reply const& r, std::string const& what) {
  switch (r.code) {
    case reply::lost: return {errc::unavailable, r.text, {}};
    case AMQP_ACCESS_REFUSED:
    case AMQP_PRECONDITION_FAILED: return {errc::bad_config, "RabbitMQ: " + r.text, what};
    default: return {errc::unavailable, "RabbitMQ: " + r.text, what};
  }
}

queue_name dead_name(queue_name const& queue) { return queue_name{queue.str() + ".lovage-dead"}; }

void declarer::begin() {
  open_ = false;
  forget();
}

void declarer::forget() {
  done_.clear();
  ladder_.reset();
}

reply declarer::call(amqp_method_number_t id, void const* decoded, amqp_method_number_t answer) {
  if (!open_) {
    if (auto r = on_.open_channel(channel); !r.ok()) return r;
    open_ = true;
  }
  auto r = on_.call(channel, id, decoded, answer);
  if (!r.ok()) open_ = false;
  return r;
}

reply declarer::declare_exchange(std::string const& name, std::string const& type, bool durable, bool passive) {
  amqp_exchange_declare_t m{};
  m.exchange = borrow(name);
  m.type = borrow(type);
  m.durable = durable ? 1 : 0;
  m.passive = passive ? 1 : 0;
  return call(AMQP_EXCHANGE_DECLARE_METHOD, &m, AMQP_EXCHANGE_DECLARE_OK_METHOD);
}

reply declarer::declare_queue(queue_spec const& spec, bool passive) {
  arena memory;
  auto const arguments = to_table(spec.arguments, memory);
  if (!arguments) return {AMQP_PRECONDITION_FAILED, arguments.error().text()};
  amqp_queue_declare_t m{};
  m.queue = borrow(spec.name.str());
  m.passive = passive ? 1 : 0;
  m.durable = spec.durable ? 1 : 0;
  m.exclusive = spec.exclusive ? 1 : 0;
  m.auto_delete = spec.auto_delete ? 1 : 0;
  m.arguments = *arguments;
  return call(AMQP_QUEUE_DECLARE_METHOD, &m, AMQP_QUEUE_DECLARE_OK_METHOD);
}

reply declarer::bind_queue(std::string const& queue, std::string const& exchange, std::string const& key) {
  amqp_queue_bind_t m{};
  m.queue = borrow(queue);
  m.exchange = borrow(exchange);
  m.routing_key = borrow(key);
  return call(AMQP_QUEUE_BIND_METHOD, &m, AMQP_QUEUE_BIND_OK_METHOD);
}

reply declarer::bind_exchange(std::string const& to, std::string const& from, std::string const& key) {
  amqp_exchange_bind_t m{};
  m.destination = borrow(to);
  m.source = borrow(from);
  m.routing_key = borrow(key);
  return call(AMQP_EXCHANGE_BIND_METHOD, &m, AMQP_EXCHANGE_BIND_OK_METHOD);
}

// Refused: does it exist all the same?
expected<void> declarer::tolerate(reply const& refused, std::string const& what, reply const& passive) {
  if (passive.ok()) {
    log::warning("RabbitMQ: " + refused.text + "; " + what + " is used as it is");
    return {};
  }
  if (passive.code == AMQP_ACCESS_REFUSED) {
    log::warning("RabbitMQ: " + passive.text + "; " + what + " is taken to exist");
    return {};
  }
  return fail(fault_of(passive.code == reply::lost ? passive : refused, what));
}

expected<void> declarer::exchange(queue_spec const& spec) {
  if (is_predeclared(spec.exchange) || !first_time("exchange " + spec.exchange)) return {};
  auto const r = declare_exchange(spec.exchange, spec.exchange_type, spec.exchange_durable, false);
  if (r.ok()) return {};
  expected<void> done = fail(fault_of(r, spec.exchange));
  if (r.code == AMQP_PRECONDITION_FAILED || r.code == AMQP_ACCESS_REFUSED)
    done = tolerate(r, "exchange " + spec.exchange,
                    declare_exchange(spec.exchange, spec.exchange_type, spec.exchange_durable, true));
  if (!done) done_.erase("exchange " + spec.exchange);
  return done;
}

expected<void> declarer::queue(queue_spec const& spec) {
  auto const& name = spec.name.str();
  if (done_.contains("queue " + name)) return {};
  if (auto ok = exchange(spec); !ok) return ok;
  auto const r = declare_queue(spec, false);
  if (!r.ok()) {
    if (r.code != AMQP_PRECONDITION_FAILED && r.code != AMQP_ACCESS_REFUSED) return fail(fault_of(r, name));
    if (auto ok = tolerate(r, "queue " + name, declare_queue(spec, true)); !ok) return ok;
  }
  if (!spec.exchange.empty()) {
    auto const bound = bind_queue(name, spec.exchange, spec.routing_key);
    if (bound.code == AMQP_ACCESS_REFUSED) {
      log::warning("RabbitMQ: " + bound.text + "; queue " + name + " is taken to be bound");
    } else if (!bound.ok()) {
      return fail(fault_of(bound, name));
    }
  }
  done_.insert("queue " + name);
  return {};
}

expected<bool> declarer::exchange_exists(std::string const& name) {
  if (is_predeclared(name) || done_.contains("exchange " + name)) return true;
  auto const r = declare_exchange(name, "direct", true, true);
  if (r.code == reply::lost) return fail(fault_of(r, name));
  if (r.code == AMQP_NOT_FOUND) return false;
  done_.insert("exchange " + name);
  return true;
}

reply declarer::look_at(queue_name const& queue) {
  queue_spec spec;
  spec.name = queue;
  return declare_queue(spec, true);
}

reply declarer::purge(queue_name const& queue) {
  amqp_queue_purge_t m{};
  m.queue = borrow(queue.str());
  return call(AMQP_QUEUE_PURGE_METHOD, &m, AMQP_QUEUE_PURGE_OK_METHOD);
}

expected<queue_name> declarer::dead_queue(queue_spec const& spec) {
  queue_spec dead;
  dead.name = dead_name(spec.name);
  if (auto const* type = find(spec.arguments, "x-queue-type")) dead.arguments.push_back({"x-queue-type", *type});
  if (auto ok = queue(dead); !ok) return fail(ok.error());
  return dead.name;
}

// 406: it exists as the other type. Celery's workers may have been set to that one.
reply declarer::level(int n, std::string& type) {
  auto const name = ladder::level_name(n);
  if (auto r = declare_exchange(name, "topic", true, false); !r.ok()) return r;
  reply r;
  for (int attempt = 0; attempt < 2; ++attempt) {
    queue_spec q;
    q.name = queue_name{name};
    q.arguments = {{"x-queue-type", type},
                   {"x-overflow", "reject-publish"},
                   {"x-message-ttl", (std::int64_t{1} << n) * 1000},
                   {"x-dead-letter-exchange", n > 0 ? ladder::level_name(n - 1) : ladder::delivery_exchange}};
    if (type == "quorum") q.arguments.push_back({"x-dead-letter-strategy", "at-least-once"});
    r = declare_queue(q, false);
    if (r.code != AMQP_PRECONDITION_FAILED) break;
    type = type == "quorum" ? "classic" : "quorum";
  }
  if (r.code == AMQP_PRECONDITION_FAILED) {
    log::warning("RabbitMQ: " + r.text + "; queue " + name + " is used as it is");
    r = look_at(queue_name{name});
  }
  return r.ok() ? bind_queue(name, name, ladder::level_key(n, '1')) : r;
}

reply declarer::ladder(std::string const& type) {
  auto as = type;
  if (auto r = declare_exchange(ladder::delivery_exchange, "topic", true, false); !r.ok()) return r;
  for (int n = ladder::levels - 1; n >= 0; --n)
    if (auto r = level(n, as); !r.ok()) return r;
  for (int n = ladder::levels - 1; n >= 0; --n) {
    auto const next = n > 0 ? ladder::level_name(n - 1) : std::string{ladder::delivery_exchange};
    if (auto r = bind_exchange(next, ladder::level_name(n), ladder::level_key(n, '0')); !r.ok()) return r;
  }
  return {};
}

expected<bool> declarer::made_ladder(std::string const& type) {
  if (ladder_) return *ladder_;
  auto const r = ladder(type);
  if (r.code == reply::lost) return fail(fault_of(r, "delay queues"));
  if (!r.ok()) log::warning("RabbitMQ: " + r.text + "; without the delay queues, tasks wait for their time in workers");
  ladder_ = r.ok();
  return *ladder_;
}

expected<bool> declarer::delays(queue_name const& queue, std::string const& type) {
  auto const made = made_ladder(type);
  if (!made || !*made) return made;
  if (done_.contains("delays " + queue.str())) return true;
  auto const r = bind_queue(queue.str(), ladder::delivery_exchange, ladder::binding_of(queue));
  if (r.code == reply::lost) return fail(fault_of(r, queue.str()));
  if (!r.ok()) {
    log::warning("RabbitMQ: " + r.text + "; delayed tasks for queue " + queue.str() + " wait in workers");
    return false;
  }
  done_.insert("delays " + queue.str());
  return true;
}

expected<void> declarer::python_delays(queue_spec const& spec, std::string const& type) {
  if (spec.exchange.empty() || spec.exchange_type == "direct") return {};
  auto const made = made_ladder(type);
  if (!made) return fail(made.error());
  if (!*made) return {};
  auto const key = spec.routing_key.starts_with('#') ? spec.routing_key : "#." + spec.routing_key;
  auto r = bind_exchange(spec.exchange, ladder::delivery_exchange, key);
  if (r.ok()) r = bind_queue(spec.name.str(), spec.exchange, key);
  if (r.code == reply::lost) return fail(fault_of(r, spec.name.str()));
  if (!r.ok())
    log::warning("RabbitMQ: " + r.text + "; what Python sends delayed to " + spec.name.str() + " may be lost");
  return {};
}

}  // namespace lovage::broker::amqp
