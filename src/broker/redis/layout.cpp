#include "broker/redis/layout.hpp"

#include <algorithm>

namespace lovage::broker::redis_broker {
namespace {

// kombu's TopicExchange.key_to_pattern.
std::string regular_expression(std::string_view key) {
  std::string out = "^";
  for (;;) {
    auto const dot = key.find('.');
    auto const word = key.substr(0, dot);
    if (word == "*") {
      out += R"(.*?[^\.])";
    } else if (word == "#") {
      out += ".*?";
    } else {
      out += word;
    }
    if (dot == std::string_view::npos) return out + "$";
    out += R"(\.)";
    key.remove_prefix(dot + 1);
  }
}

std::string with_database(std::string format, int database) {
  static constexpr std::string_view place = "{db}";
  if (auto const at = format.find(place); at != std::string::npos)
    format.replace(at, place.size(), std::to_string(database));
  return format;
}

}  // namespace

layout::layout(options with, int database)
    : with_{std::move(with)},
      served_{with_.priority_steps},
      fanout_prefix_{with_.global_keyprefix + with_database(with_.fanout_prefix, database)} {
  if (!with_.lowest_first) std::reverse(served_.begin(), served_.end());
}

// Below the first step kombu's index wraps around to the last one; both sides must agree.
int layout::step(int priority) const noexcept {
  auto const& steps = with_.priority_steps;
  auto const above = std::upper_bound(steps.begin(), steps.end(), priority);
  return above == steps.begin() ? steps.back() : *std::prev(above);
}

std::string layout::list(std::string_view queue, int priority) const {
  auto const s = step(priority);
  auto out = key(queue);
  if (s != 0) out += with_.sep + std::to_string(s);
  return out;
}

std::string layout::bindings(std::string_view exchange) const { return key("_kombu.binding." + std::string{exchange}); }

std::string layout::write(binding const& b) const {
  return b.routing_key + with_.sep + b.pattern + with_.sep + b.queue;
}

binding layout::read_binding(std::string_view member) const {
  binding out;
  auto const first = member.find(with_.sep);
  if (first == std::string_view::npos) return out;
  auto const rest = member.substr(first + with_.sep.size());
  auto const second = rest.find(with_.sep);
  if (second == std::string_view::npos) return out;
  out.routing_key = member.substr(0, first);
  out.pattern = rest.substr(0, second);
  out.queue = rest.substr(second + with_.sep.size());
  return out;
}

binding layout::binding_of(queue_spec const& queue) {
  return {queue.routing_key, queue.exchange_type == "topic" ? regular_expression(queue.routing_key) : std::string{},
          queue.name.str()};
}

std::string layout::channel(std::string_view exchange, std::string_view routing_key) const {
  auto out = fanout_prefix_ + std::string{exchange};
  if (with_.fanout_patterns && !routing_key.empty()) out += "/" + std::string{routing_key};
  return out;
}

std::string layout::channel_pattern(std::string_view exchange, std::string_view binding_key) const {
  std::string key{binding_key};
  std::replace(key.begin(), key.end(), '#', '*');
  return channel(exchange, key);
}

bool is_channel_by_name(std::string_view exchange) {
  static constexpr std::string_view pidbox = ".pidbox";
  return exchange == "celeryev" || (exchange.ends_with(pidbox) && !is_for_replies(exchange));
}

bool is_for_replies(std::string_view exchange) {
  static constexpr std::string_view start = "reply.";
  return exchange.starts_with(start);
}

}  // namespace lovage::broker::redis_broker
