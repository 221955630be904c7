#include "backend/redis/awaited.hpp"

#include <algorithm>
#include <utility>

namespace lovage::backend::redis {

void awaited::add(reader who, std::string const& id) {
  auto& e = entries_[id];
  if (std::find(e.readers.begin(), e.readers.end(), who) != e.readers.end()) return;
  if (e.readers.empty()) ++waiting_;
  e.readers.push_back(who);
  if (!e.sent) {
    dirty_.insert(id);
  } else if (e.unconfirmed == 0) {
    fetch_.insert(id);  // somebody listens already, but has seen what is stored before this reader came
  }
}

// Nobody waits for it any more.
void awaited::leave(std::unordered_map<std::string, entry>::iterator at) {
  --waiting_;
  fetch_.erase(at->first);
  if (at->second.sent) {
    dirty_.insert(at->first);
  } else {
    dirty_.erase(at->first);
    if (at->second.unconfirmed == 0) entries_.erase(at);
  }
}

void awaited::remove(reader who, std::string const& id) {
  auto const at = entries_.find(id);
  if (at == entries_.end() || std::erase(at->second.readers, who) == 0) return;
  if (at->second.readers.empty()) leave(at);
}

std::vector<awaited::reader> awaited::finish(std::string const& id) {
  auto const at = entries_.find(id);
  if (at == entries_.end() || at->second.readers.empty()) return {};
  auto out = std::exchange(at->second.readers, {});
  leave(at);
  return out;
}

std::vector<awaited::reader> awaited::readers(std::string const& id) const {
  auto const at = entries_.find(id);
  return at == entries_.end() ? std::vector<reader>{} : at->second.readers;
}

awaited::orders awaited::take_orders() {
  orders out;
  for (auto const& id : std::exchange(dirty_, {})) {
    auto const at = entries_.find(id);
    if (at == entries_.end()) continue;
    auto& e = at->second;
    bool const wanted = !e.readers.empty();
    if (wanted == e.sent) continue;
    e.sent = wanted;
    (wanted ? out.subscribe : out.unsubscribe).push_back(id);
    e.unconfirmed += wanted ? 1 : 0;
    if (!wanted && e.unconfirmed == 0) entries_.erase(at);
  }
  out.fetch.assign(fetch_.begin(), fetch_.end());
  fetch_.clear();
  return out;
}

void awaited::subscribed(std::string const& id) {
  auto const at = entries_.find(id);
  if (at == entries_.end() || at->second.unconfirmed == 0 || --at->second.unconfirmed > 0) return;
  if (!at->second.readers.empty()) {
    fetch_.insert(id);
  } else if (!at->second.sent) {
    entries_.erase(at);
  }
}

void awaited::changed(std::string const& id) {
  auto const at = entries_.find(id);
  if (at != entries_.end() && !at->second.readers.empty()) fetch_.insert(id);
}

void awaited::lost() {
  fetch_.clear();
  dirty_.clear();
  std::erase_if(entries_, [](auto const& item) { return item.second.readers.empty(); });
  for (auto& [id, e] : entries_) {
    e.sent = false;
    e.unconfirmed = 0;
    dirty_.insert(id);
  }
}

}  // namespace lovage::backend::redis
