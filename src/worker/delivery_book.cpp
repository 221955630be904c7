#include "worker/delivery_book.hpp"

#include <utility>

namespace lovage::work {

using broker::disposition;

std::string call_key(wire::task_message const& m, queue_name const& queue) {
  auto key = m.id.str();
  key.reserve(key.size() + queue.str().size() + 10);
  key += ' ';
  key += std::to_string(m.retries);
  key += ' ';
  key += std::to_string(m.replaced_task_nesting);
  key += ' ';
  key += queue.str();
  return key;
}

std::uint64_t delivery_book::arrive(std::uint64_t tag) {
  std::lock_guard const lock{mutex_};
  open_.emplace(next_, entry{{tag}, {}, false});
  return next_++;
}

delivery_book::finding delivery_book::look(std::string const& key, bool may_be_copy) const {
  std::lock_guard const lock{mutex_};
  if (auto const at = by_key_.find(key); at != by_key_.end()) return {verdict::open, at->second};
  if (may_be_copy && over_.contains(key)) return {verdict::over, 0};
  return {};
}

void delivery_book::enter(std::uint64_t job, std::string key) {
  std::lock_guard const lock{mutex_};
  auto const at = open_.find(job);
  if (at == open_.end()) return;
  by_key_.emplace(key, job);
  at->second.key = std::move(key);
}

void delivery_book::forget(std::uint64_t job) {
  std::lock_guard const lock{mutex_};
  auto const at = open_.find(job);
  if (at != open_.end()) by_key_.erase(std::exchange(at->second.key, {}));
}

std::optional<std::uint64_t> delivery_book::adopt(std::uint64_t job, std::uint64_t copy) {
  std::lock_guard const lock{mutex_};
  auto const to = open_.find(job);
  auto const from = open_.extract(copy);
  if (to == open_.end() || from.empty()) return std::nullopt;
  auto const tag = from.mapped().tags.back();
  to->second.tags.push_back(tag);
  return to->second.has_begun ? std::optional{tag} : std::nullopt;
}

std::optional<std::uint64_t> delivery_book::begun(std::uint64_t job) {
  std::lock_guard const lock{mutex_};
  auto const at = open_.find(job);
  if (at == open_.end()) return std::nullopt;
  at->second.has_begun = true;
  return at->second.tags.empty() ? std::nullopt : std::optional{at->second.tags.back()};
}

std::vector<broker::settlement> delivery_book::settlements(std::span<execute::closing const> closings) const {
  std::vector<broker::settlement> out;
  out.reserve(closings.size());
  std::lock_guard const lock{mutex_};
  for (auto const& c : closings) {
    auto const at = open_.find(c.job);
    if (at == open_.end()) continue;
    auto const& tags = at->second.tags;
    for (std::size_t i = 0; i < tags.size(); ++i)
      out.push_back(i + 1 < tags.size() ? broker::settlement{tags[i], disposition::done, {}}
                                        : broker::settlement{tags[i], c.how, c.reason});
  }
  return out;
}

void delivery_book::acknowledged(std::span<execute::closing const> closings) {
  std::lock_guard const lock{mutex_};
  for (auto const& c : closings)
    if (auto const at = open_.find(c.job); at != open_.end()) at->second.tags.clear();
}

void delivery_book::close(std::span<execute::closing const> closings) {
  std::lock_guard const lock{mutex_};
  for (auto const& c : closings) {
    auto node = open_.extract(c.job);
    if (node.empty() || node.mapped().key.empty()) continue;
    by_key_.erase(node.mapped().key);
    if (c.over) over_.add(node.mapped().key);
  }
}

std::size_t delivery_book::open_jobs() const {
  std::lock_guard const lock{mutex_};
  return open_.size();
}

}  // namespace lovage::work
