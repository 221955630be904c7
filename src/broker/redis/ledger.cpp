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

void ledger::add(std::uint64_t tag, held h) {
  std::lock_guard const lock{mutex_};
  held_.emplace(tag, std::move(h));
}

std::optional<held> ledger::find(std::uint64_t tag) const {
  std::lock_guard const lock{mutex_};
  auto const at = held_.find(tag);
  return at == held_.end() ? std::nullopt : std::optional{at->second};
}

void ledger::erase(std::uint64_t tag) {
  std::lock_guard const lock{mutex_};
  held_.erase(tag);
}

std::vector<std::uint64_t> ledger::tags() const {
  std::lock_guard const lock{mutex_};
  std::vector<std::uint64_t> out;
  for (auto const& [tag, h] : held_) out.push_back(tag);
  return out;
}

void ledger::started(std::uint64_t tag) {
  std::lock_guard const lock{mutex_};
  auto const at = held_.find(tag);
  if (at == held_.end() || at->second.fanout) return;
  at->second.started = clock::now();
  if (!std::exchange(began_, true)) changed_.notify_all();
}

bool ledger::wait_for_start(clock::time_point until) {
  std::unique_lock lock{mutex_};
  changed_.wait_until(lock, until, [this] { return began_ || stopped_; });
  return !stopped_ && std::exchange(began_, false);
}

bool ledger::wait_for_stop(clock::time_point until) {
  std::unique_lock lock{mutex_};
  return changed_.wait_until(lock, until, [this] { return stopped_; });
}

std::vector<std::uint64_t> ledger::running(clock::time_point since) const {
  std::lock_guard const lock{mutex_};
  std::vector<std::uint64_t> out;
  for (auto const& [tag, h] : held_)
    if (h.started != clock::time_point{} && h.started <= since) out.push_back(tag);
  return out;
}

void ledger::stop() {
  std::lock_guard const lock{mutex_};
  stopped_ = true;
  changed_.notify_all();
}

bool ledger::stopped() const {
  std::lock_guard const lock{mutex_};
  return stopped_;
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
