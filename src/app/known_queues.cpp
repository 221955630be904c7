#include "app/known_queues.hpp"

#include <cmath>
#include <utility>

namespace lovage::detail {
namespace {

using broker::queue_spec;

void set(value::map& arguments, char const* key, value v) {
  for (auto& a : arguments)
    if (a.key == key) return void(a.val = std::move(v));
  arguments.push_back({key, std::move(v)});
}

value milliseconds(task_queue::seconds s) { return value{std::llround(s.count() * 1000)}; }

// kombu's order.
value::map arguments_of(task_queue const& q) {
  value::map out;
  for (auto const& [key, v] : q.arguments_) set(out, key.c_str(), v);
  if (q.expires_) set(out, "x-expires", milliseconds(*q.expires_));
  if (q.message_ttl_) set(out, "x-message-ttl", milliseconds(*q.message_ttl_));
  if (q.max_length_) set(out, "x-max-length", value{*q.max_length_});
  if (q.max_length_bytes_) set(out, "x-max-length-bytes", value{*q.max_length_bytes_});
  if (q.max_priority_) set(out, "x-max-priority", value{*q.max_priority_});
  return out;
}

// RabbitMQ refuses a quorum queue with priorities.
void default_priority(value::map& arguments, std::optional<int> most) {
  auto const* type = find(arguments, "x-queue-type");
  bool const ordered = !type || *type == value{"classic"};
  if (most && ordered && !find(arguments, "x-max-priority")) set(arguments, "x-max-priority", value{*most});
}

value::map type_argument(std::string const& type) {
  value::map out;
  if (type == "quorum") set(out, "x-queue-type", value{type});  // classic is what a queue is without it
  return out;
}

std::string or_else(std::string const& given, std::string const& otherwise) {
  return given.empty() ? otherwise : given;
}

struct defaults {
  explicit defaults(config const& c)
      : queue{c.task_default_queue()},
        exchange{or_else(c.task_default_exchange(), queue)},
        exchange_type{c.task_default_exchange_type()},
        routing_key{or_else(c.task_default_routing_key(), queue)} {}
  std::string queue, exchange, exchange_type, routing_key;
};

queue_spec default_queue(defaults const& by_default, std::string const& type) {
  queue_spec out;
  out.name = queue_name{by_default.queue};
  out.exchange = by_default.exchange;
  out.exchange_type = by_default.exchange_type;
  out.routing_key = by_default.routing_key;
  out.arguments = type_argument(type);
  return out;
}

queue_spec spec_of(task_queue const& q, defaults const& by_default) {
  queue_spec out;
  out.name = queue_name{q.name_};
  out.broadcast = q.broadcast_.value_or(false);
  out.exchange = q.exchange_.value_or(out.broadcast ? q.name_ : by_default.exchange);
  auto const bound_to_default = !q.exchange_ && !out.broadcast;
  out.exchange_type =
      out.broadcast ? "fanout" : q.exchange_type_.value_or(bound_to_default ? by_default.exchange_type : "direct");
  out.routing_key = or_else(q.routing_key_.value_or(""), out.broadcast ? by_default.routing_key : q.name_);
  out.arguments = arguments_of(q);
  out.durable = q.durable_.value_or(true);
  out.exclusive = q.exclusive_.value_or(false);
  out.auto_delete = q.auto_delete_.value_or(out.exclusive || out.broadcast);
  return out;
}

}  // namespace

broker::topology known_queues(config const& c) {
  broker::topology out;
  defaults const by_default{c};
  auto const most = c.task_queue_max_priority();
  for (auto const& q : c.task_queues()) out.queues.push_back(spec_of(q, by_default));
  if (out.queues.empty()) out.queues.push_back(default_queue(by_default, c.task_default_queue_type()));
  for (auto& q : out.queues) default_priority(q.arguments, most);
  out.create_missing = c.task_create_missing_queues();
  out.missing_type = or_else(c.task_create_missing_queue_exchange_type(), "direct");
  out.missing_arguments = type_argument(c.task_create_missing_queue_type());
  default_priority(out.missing_arguments, most);
  return out;
}

}  // namespace lovage::detail
