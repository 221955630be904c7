// Where tasks go: queues, exchanges, and the rules that choose among them.
#pragma once

#include <lovage/call_options.hpp>
#include <lovage/value.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lovage {

/// One queue of `task_queues`, and how it is bound. Fluent; what is not set follows the configuration.
///
///     config{}.task_queues({"celery",
///     task_queue{"news"}.exchange("media").exchange_type("topic").routing_key("news.#")})
class task_queue {
 public:
  using seconds = std::chrono::duration<double>;

  task_queue(std::string name) : name_{std::move(name)} {}
  task_queue(char const* name) : name_{name} {}

  /// Unset: `task_default_exchange`, with its type.
  task_queue& exchange(std::string v) { return exchange_ = std::move(v), *this; }
  /// direct, topic or fanout. Unset, with an exchange: direct.
  task_queue& exchange_type(std::string v) { return exchange_type_ = std::move(v), *this; }
  /// Of the binding, and of messages that are sent to the queue by its name. Unset: the queue's name.
  task_queue& routing_key(std::string v) { return routing_key_ = std::move(v), *this; }
  /// RabbitMQ's "x-..." arguments as they are, such as {"x-queue-type", "quorum"}. Called again, it adds.
  task_queue& argument(std::string key, value v) { return arguments_.push_back({std::move(key), std::move(v)}), *this; }
  /// The most that RabbitMQ lets a message's priority be, 1 to 255. Unset: `task_queue_max_priority`.
  task_queue& max_priority(int v) { return max_priority_ = v, *this; }
  /// RabbitMQ drops messages that waited this long.
  task_queue& message_ttl(seconds v) { return message_ttl_ = v, *this; }
  /// RabbitMQ deletes the queue when nobody used it for this long.
  task_queue& expires(seconds v) { return expires_ = v, *this; }
  /// RabbitMQ keeps this many messages, or this many octets of bodies; the oldest go first.
  task_queue& max_length(std::int64_t v) { return max_length_ = v, *this; }
  task_queue& max_length_bytes(std::int64_t v) { return max_length_bytes_ = v, *this; }
  /// Survives the broker's restart (the default).
  task_queue& durable(bool v) { return durable_ = v, *this; }
  /// Deleted with its last consumer.
  task_queue& auto_delete(bool v = true) { return auto_delete_ = v, *this; }
  /// For one connection alone, and deleted with it.
  task_queue& exclusive(bool v = true) { return exclusive_ = v, *this; }
  /// A message to this name reaches every worker that takes from it: each has a queue of its own, bound to a fanout
  /// exchange of this name. Needs a broker with exchanges.
  task_queue& broadcast(bool v = true) { return broadcast_ = v, *this; }

  friend bool operator==(task_queue const&, task_queue const&) = default;

  std::string name_;
  std::optional<std::string> exchange_, exchange_type_, routing_key_;
  value::map arguments_;
  std::optional<int> max_priority_;
  std::optional<seconds> message_ttl_, expires_;
  std::optional<std::int64_t> max_length_, max_length_bytes_;
  std::optional<bool> durable_, auto_delete_, exclusive_, broadcast_;
};

/// Where calls go, and how they are sent there. A text is the name of a queue. Fluent; what is not set stays open.
class route_options {
 public:
  route_options() = default;
  route_options(std::string queue) : queue_{std::move(queue)} {}
  route_options(char const* queue) : queue_{queue} {}

  route_options& queue(std::string v) { return queue_ = std::move(v), *this; }
  /// Instead of a queue: to this exchange, and with the routing key to what is bound there.
  route_options& exchange(std::string v) { return exchange_ = std::move(v), *this; }
  /// Beside an exchange, or beside a queue whose exchange is no direct one.
  route_options& routing_key(std::string v) { return routing_key_ = std::move(v), *this; }
  /// 0-9.
  route_options& priority(int v) { return priority_ = v, *this; }
  /// json, msgpack or yaml.
  route_options& serializer(std::string v) { return serializer_ = std::move(v), *this; }
  /// zlib, bzip2, lzma, brotli, zstd.
  route_options& compression(std::string v) { return compression_ = std::move(v), *this; }
  route_options& delivery_mode(lovage::delivery_mode v) { return delivery_mode_ = v, *this; }

  friend bool operator==(route_options const&, route_options const&) = default;

  std::optional<std::string> queue_, exchange_, routing_key_, serializer_, compression_;
  std::optional<int> priority_;
  std::optional<lovage::delivery_mode> delivery_mode_;
};

/// One rule of `task_routes`: calls of tasks whose name matches `pattern` go `to` there. A pattern is a name, a glob
/// with `*` and `?`, or a regular expression (ECMAScript) between slashes, which matches from the name's start on.
///
///     config{}.task_routes({{"mail.send", "low"}, {"shop.*", "high"}, {"/(video|audio)\\./", "media"}})
struct task_route {
  std::string pattern;
  route_options to;
  friend bool operator==(task_route const&, task_route const&) = default;
};

/// A program's own rule, by name and arguments; nothing: somebody else may say. *Threads*: called from any that sends.
using router = std::function<std::optional<route_options>(std::string_view task, value::list const& args,
                                                          value::map const& kwargs)>;

}  // namespace lovage
