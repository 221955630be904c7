// The queues a worker takes from.
#include "worker/commands/all.hpp"

#include <algorithm>
#include <utility>

namespace lovage::work::commands {
namespace {

// As kombu's Queue.as_dict writes it.
value queue_value(broker::queue_spec const& q) {
  value::map exchange{
      {"name", q.exchange}, {"type", q.exchange_type}, {"arguments", value{}},     {"durable", q.exchange_durable},
      {"passive", false},   {"auto_delete", false},    {"delivery_mode", value{}}, {"no_declare", false}};
  return value::map{{"name", q.name.str()},
                    {"exchange", std::move(exchange)},
                    {"routing_key", q.routing_key},
                    {"queue_arguments", q.arguments.empty() ? value{} : value{q.arguments}},
                    {"binding_arguments", value{}},
                    {"consumer_arguments", value{}},
                    {"durable", q.durable},
                    {"exclusive", q.exclusive},
                    {"auto_delete", q.auto_delete},
                    {"no_ack", false},
                    {"alias", value{}},
                    {"bindings", value::list{}},
                    {"no_declare", value{}},
                    {"expires", value{}},
                    {"message_ttl", value{}},
                    {"max_length", value{}},
                    {"max_length_bytes", value{}},
                    {"max_priority", value{}}};
}

std::string text_or(value const& v, std::string_view name, std::string otherwise) {
  return is_true(v) ? text_of(v, name) : std::move(otherwise);
}

// A queue of the settings as it is there; any other as the command says.
broker::queue_spec wanted(node const& on, value::map const& given) {
  auto const name = text_of(argument(given, "queue"), "queue");
  if (name.empty()) throw command_refused{"ValueError('a queue needs a name')"};
  auto const& known = on.app.publishing.where.queues();
  auto const listed =
      std::find_if(known.queues.begin(), known.queues.end(), [&](auto const& q) { return q.name.str() == name; });
  if (listed != known.queues.end()) return *listed;
  broker::queue_spec q;
  q.name = queue_name{name};
  q.exchange = text_or(argument(given, "exchange"), "exchange", name);
  q.exchange_type = text_or(argument(given, "exchange_type"), "exchange_type", "direct");
  q.routing_key = text_or(argument(given, "routing_key"), "routing_key", name);
  q.arguments = known.missing_arguments;
  return q;
}

}  // namespace

answer add_consumer(node& on, arguments given) {
  auto const q = wanted(on, given);
  or_refuse(need(on.parts.add_queue, "adding queues is")(q));
  return ok("add consumer " + q.name.str());
}

answer cancel_consumer(node& on, arguments given) {
  auto const name = text_of(argument(given, "queue"), "queue");
  auto const done = need(on.parts.cancel_queue, "giving up queues is")(queue_name{name});
  // One that it does not take from is as was asked for.
  if (!done && done.error().code != errc::invalid_argument) or_refuse(done);
  return ok("no longer consuming from " + name);
}

answer active_queues(node& on, arguments) {
  value::list out;
  for (auto const& q : need(on.parts.queues, "queues are")()) out.push_back(queue_value(q));
  return value{std::move(out)};
}

}  // namespace lovage::work::commands
