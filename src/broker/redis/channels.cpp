#include "broker/redis/channels.hpp"

#include <utility>

namespace lovage::broker::redis_broker {

namespace {

bool is_pattern(std::string const& text) { return text.find_first_of("*?[\\") != std::string::npos; }

}  // namespace

void subscribe(std::string const& pattern, lovage::redis::commands& out) {
  out.add({is_pattern(pattern) ? "PSUBSCRIBE" : "SUBSCRIBE", pattern});
}

void unsubscribe(std::string const& pattern, lovage::redis::commands& out) {
  out.add({is_pattern(pattern) ? "PUNSUBSCRIBE" : "UNSUBSCRIBE", pattern});
}

// Pushes are arrays that begin with their kind; an answer to PING is one too while something is subscribed to.
std::optional<channel_message> read_push(lovage::redis::reply&& said) {
  auto& items = said.items;
  if (items.size() == 3 && items[0].text == "message")
    return channel_message{std::move(items[1].text), std::move(items[2].text)};
  if (items.size() == 4 && items[0].text == "pmessage")
    return channel_message{std::move(items[1].text), std::move(items[3].text)};
  return std::nullopt;
}

}  // namespace lovage::broker::redis_broker
