// What has arrived and waits for `claim`.
#pragma once

#include "broker/queue_picker.hpp"

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace lovage::broker::amqp {

/// Each queue in its order, highest priority first. A value without I/O.
template <class T>
class delivery_list {
 public:
  static constexpr int priorities = 10;

  /// One more queue, after the others.
  void add_queue() { lanes_.emplace_back(); }
  /// `priority` 0 to 9.
  void push(std::size_t queue, int priority, T what) {
    auto& to = lanes_[queue];
    to.levels[static_cast<std::size_t>(priority)].push_back(std::move(what));
    ++to.size;
    ++size_;
  }
  /// The next one of these queues, which are in their order.
  [[nodiscard]] std::optional<T> take(std::span<std::size_t const> from, queue_picker& by) {
    if (size_ == 0) return std::nullopt;
    full_.clear();
    for (auto const q : from)
      if (lanes_[q].size > 0) full_.push_back({q, lanes_[q].best()});
    if (full_.empty()) return std::nullopt;
    auto const at = by.pick(full_);
    return take_of(full_[at].queue, full_[at].priority);
  }
  /// All of a queue.
  [[nodiscard]] std::vector<T> take_all(std::size_t queue) {
    std::vector<T> out;
    while (lanes_[queue].size > 0) out.push_back(take_of(queue, lanes_[queue].best()));
    return out;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t queues() const noexcept { return lanes_.size(); }
  void clear() {
    for (auto& l : lanes_) l = {};
    size_ = 0;
  }

 private:
  struct lane {
    std::array<std::deque<T>, priorities> levels;
    std::size_t size = 0;

    [[nodiscard]] int best() const {
      int p = priorities - 1;
      while (levels[static_cast<std::size_t>(p)].empty()) --p;
      return p;
    }
  };
  [[nodiscard]] T take_of(std::size_t queue, int priority) {
    auto& from = lanes_[queue];
    auto& level = from.levels[static_cast<std::size_t>(priority)];
    T out = std::move(level.front());
    level.pop_front();
    --from.size;
    --size_;
    return out;
  }

  std::vector<lane> lanes_;
  std::vector<queue_picker::candidate> full_;
  std::size_t size_ = 0;
};

}  // namespace lovage::broker::amqp
