#include "broker/topology.hpp"

#include <algorithm>

namespace lovage::broker {
namespace {

/// Takes the first word off; `text` is what follows its dot.
std::string_view next_word(std::string_view& text, bool& more) {
  auto const dot = text.find('.');
  auto const word = text.substr(0, dot);
  more = dot != std::string_view::npos;
  text = more ? text.substr(dot + 1) : std::string_view{};
  return word;
}

/// `has_*` tells an empty last word from no word at all.
bool matches(std::string_view pattern, bool has_pattern, std::string_view key, bool has_key) {
  if (!has_pattern) return !has_key;
  auto rest = pattern;
  bool more = false;
  auto const word = next_word(rest, more);
  if (word == "#") {
    if (matches(rest, more, key, has_key)) return true;
    if (!has_key) return false;
    bool key_more = false;
    (void)next_word(key, key_more);
    return matches(pattern, true, key, key_more);
  }
  if (!has_key) return false;
  bool key_more = false;
  auto const key_word = next_word(key, key_more);
  return (word == "*" || word == key_word) && matches(rest, more, key, key_more);
}

}  // namespace

bool topic_matches(std::string_view pattern, std::string_view key) { return matches(pattern, true, key, true); }

expected<queue_spec> topology::find(queue_name const& name) const {
  auto const at = std::find_if(queues.begin(), queues.end(), [&](auto const& q) { return q.name == name; });
  if (at != queues.end()) return *at;
  if (!create_missing) {
    std::string known;
    for (auto const& q : queues) known += (known.empty() ? "" : ", ") + q.name.str();
    return fail(errc::bad_config,
                "queue '" + name.str() + "' is not in task_queues (" + known +
                    ") and task_create_missing_queues is off; add it or turn that on",
                "task_queues");
  }
  queue_spec made;
  made.name = name;
  made.exchange = made.routing_key = name.str();
  made.exchange_type = missing_type;
  made.arguments = missing_arguments;
  return made;
}

std::vector<queue_name> topology::reached_by(std::string_view exchange, std::string_view key) const {
  std::vector<queue_name> out;
  for (auto const& q : queues) {
    if (q.exchange != exchange) continue;
    bool const hit = q.exchange_type == "fanout" || (q.exchange_type == "topic" && topic_matches(q.routing_key, key)) ||
                     q.routing_key == key;
    if (hit) out.push_back(q.name);
  }
  return out;
}

}  // namespace lovage::broker
