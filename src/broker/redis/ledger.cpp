#include "broker/redis/ledger.hpp"

#include <charconv>

namespace lovage::broker::redis_broker {

std::optional<claim_name> claim_name::read(std::string_view text) {
  static constexpr std::string_view mark = "lv:";
  if (!text.starts_with(mark)) return std::nullopt;
  text.remove_prefix(mark.size());
  auto const colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  claim_name out;
  out.session = text.substr(0, colon);
  text.remove_prefix(colon + 1);
  auto const [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out.tag);
  if (fault != std::errc{} || end == text.data() + text.size() || *end != ':') return std::nullopt;
  out.queue = text.substr(static_cast<std::size_t>(end - text.data()) + 1);
  return out;
}

void ledger::started(std::uint64_t tag) {
  auto const h = find(tag);
  if (h && !h->fanout) broker::ledger<held>::started(tag);
}

std::vector<std::pair<std::uint64_t, std::size_t>> ledger::leased() const {
  std::lock_guard const lock{mutex_};
  std::vector<std::pair<std::uint64_t, std::size_t>> out;
  for (auto const& [tag, h] : held_)
    if (!h.fanout) out.emplace_back(tag, h.queue);
  return out;
}

std::size_t ledger::missing(std::vector<std::uint64_t> const& tags) {
  std::lock_guard const lock{mutex_};
  std::size_t lost = 0;
  for (auto const tag : tags) {
    auto const at = held_.find(tag);
    if (at == held_.end()) continue;  // settled meanwhile
    if (!std::exchange(at->second.missed, true)) continue;
    held_.erase(at);
    ++lost;
  }
  return lost;
}

}  // namespace lovage::broker::redis_broker
