#include "app/routing.hpp"

#include "app/known_queues.hpp"

#include <lovage/unpack.hpp>

#include <algorithm>
#include <utility>

namespace lovage::detail {
namespace {

struct arguments {
  value::list args;
  value::map const& kwargs;
};

expected<arguments> arguments_of(raw_call const& call) {
  try {
    unpacker in{call.packed_args};
    arguments out{{}, call.kwargs};
    for (std::size_t i = 0; i < call.count; ++i) out.args.push_back(in.any());
    return out;
  } catch (error const& e) {
    return fail(e.info());
  }
}

template <class T>
void fill(std::optional<T>& open, std::optional<T> const& from) {
  if (!open && from) open = from;
}

void fill_address(call_options& call, route_options const& rule) {
  bool const own = call.queue_ || call.exchange_;
  bool const other = rule.queue_ || rule.exchange_;
  if (!own) {
    call.queue_ = rule.queue_;
    call.exchange_ = rule.exchange_;
  }
  if (!own || !other) fill(call.routing_key_, rule.routing_key_);
}

std::string known_exchanges(broker::topology const& queues) {
  std::string out;
  for (auto const& q : queues.queues)
    out += (out.empty() ? "" : ", ") + q.name.str() + " to '" + q.exchange + "' with '" + q.routing_key + "'";
  return out;
}

failure no_broadcast(queue_name const& queue) {
  return fail(errc::not_supported, "this broker knows queues but no exchanges, and cannot send to every worker",
              queue.str());
}

}  // namespace

routing::routing(config const& c) : queues_{known_queues(c)}, default_queue_{c.task_default_queue()} {
  for (auto& [pattern, to] : c.task_routes()) rules_.push_back({name_pattern::compile(pattern).value(), std::move(to)});
}

route_options const* routing::matching(std::string const& task) const {
  for (auto const& r : rules_)
    if (r.pattern.matches(task)) return &r.to;
  return nullptr;
}

queue_name routing::queue_of(std::string_view task) const {
  auto const* to = matching(std::string{task});
  return queue_name{to && to->queue_ ? *to->queue_ : default_queue_};
}

expected<route_options> routing::rule_for(raw_call const& call) const {
  if (!routers_.empty()) {
    auto const given = arguments_of(call);
    if (!given) return fail(given.error());
    try {
      for (auto const& ask : routers_)
        if (auto to = ask(call.task, given->args, given->kwargs)) return *std::move(to);
    } catch (std::exception const& e) {
      return fail(errc::invalid_argument, std::string{"a router threw: "} + e.what(), call.task);
    }
  }
  auto const* to = matching(call.task);
  return to ? *to : route_options{};
}

expected<void> routing::complete(raw_call& call) const {
  if (routers_.empty() && rules_.empty()) return {};
  auto const rule = rule_for(call);
  if (!rule) return fail(rule.error());
  auto& o = call.options;
  fill_address(o, *rule);
  fill(o.priority_, rule->priority_);
  fill(o.serializer_, rule->serializer_);
  fill(o.compression_, rule->compression_);
  fill(o.delivery_mode_, rule->delivery_mode_);
  return {};
}

broker::queue_spec const* routing::listed(queue_name const& name) const {
  auto const& all = queues_.queues;
  auto const at = std::find_if(all.begin(), all.end(), [&](auto const& q) { return q.name == name; });
  return at == all.end() ? nullptr : &*at;
}

expected<destination> routing::address(call_options const& options) const {
  if (options.exchange_) return destination{{}, *options.exchange_, options.routing_key_.value_or("")};
  auto queue = queue_name{options.queue_.value_or(default_queue_)};
  // Every message passes here: no copy of the queue's description where nothing in it matters.
  if (!options.routing_key_ && (queues_.create_missing || listed(queue))) return destination{std::move(queue)};
  auto const spec = queues_.find(queue);
  if (!spec) return fail(spec.error());
  if (!options.routing_key_ || spec->exchange_type == "direct") return destination{queue};
  return destination{{}, spec->exchange, *options.routing_key_};
}

expected<void> routing::spread(broker::outgoing&& one, std::vector<broker::outgoing>& into) const {
  std::vector<queue_name> reached;
  if (!one.queue.empty()) {
    auto const* spec = listed(one.queue);
    if (spec && spec->broadcast) return no_broadcast(one.queue);
    if (spec && spec->exchange_type != "direct") reached = queues_.reached_by(spec->exchange, spec->routing_key);
    if (reached.empty()) return into.push_back(std::move(one)), expected<void>{};
  } else {
    reached = queues_.reached_by(one.exchange, one.routing_key);
    if (reached.empty())
      return fail(errc::unavailable,
                  "no queue is bound to exchange '" + one.exchange + "' with routing key '" + one.routing_key +
                      "'; bound are " + known_exchanges(queues_),
                  "task_queues");
  }
  one.exchange.clear();
  one.routing_key.clear();
  for (auto const& q : reached) {
    if (listed(q)->broadcast) return no_broadcast(q);
    one.queue = q;
    into.push_back(one);
  }
  return {};
}

expected<std::vector<queue_name>> routing::taken(std::vector<std::string> const& named) const {
  std::vector<queue_name> out;
  if (named.empty())
    for (auto const& q : queues_.queues) out.push_back(q.name);
  for (auto const& name : named) {
    auto const spec = queues_.find(queue_name{name});
    if (!spec) return fail(spec.error());
    if (std::find(out.begin(), out.end(), spec->name) == out.end()) out.push_back(spec->name);
  }
  return out;
}

expected<void> routing::can_take(std::vector<queue_name> const& queues, broker::traits const& able) const {
  if (able.exchanges) return {};
  for (auto const& name : queues)
    if (auto const spec = queues_.find(name); spec && spec->broadcast) return no_broadcast(name);
  return {};
}

}  // namespace lovage::detail
