#include "broker/amqp/ladder.hpp"

#include <algorithm>

namespace lovage::broker::amqp::ladder {
namespace {

constexpr std::string_view last_word = ".lovage";

bool is_plain(std::string_view name) {
  for (std::size_t from = 0; from <= name.size();) {
    auto const dot = std::min(name.find('.', from), name.size());
    auto const word = name.substr(from, dot - from);
    if (word == "*" || word == "#") return false;
    from = dot + 1;
  }
  return true;
}

std::string repeat(std::string_view word, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += word;
  return out;
}

}  // namespace

std::string level_name(int level) { return "celery_delayed_" + std::to_string(level); }

std::string level_key(int level, char digit) { return repeat("*.", levels - 1 - level) + digit + ".#"; }

std::optional<std::string> key_for(queue_name const& queue, std::chrono::seconds delay) {
  auto const seconds = std::clamp(delay, std::chrono::seconds{0}, longest).count();
  std::string out;
  for (int level = levels - 1; level >= 0; --level) out += (seconds >> level & 1) != 0 ? "1." : "0.";
  out += queue.str();
  out += last_word;
  if (out.size() > 255 || !is_plain(queue.str())) return std::nullopt;
  return out;
}

std::string binding_of(queue_name const& queue) { return repeat("*.", levels) + queue.str() + std::string{last_word}; }

std::chrono::seconds whole_seconds(time_point due, time_point now) {
  return std::chrono::floor<std::chrono::seconds>(due - now);
}

}  // namespace lovage::broker::amqp::ladder
