// What has arrived and waits for `claim`.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace lovage::broker::amqp {

/// Highest priority first; of equal ones the queues in turn, each in its order. A value without I/O.
template <class T>
class delivery_list {
 public:
  static constexpr int priorities = 10;

  explicit delivery_list(std::size_t queues) : lanes_(queues) {}

  /// `priority` 0 to 9.
  void push(std::size_t queue, int priority, T what) {
    auto const p = static_cast<std::size_t>(priority);
    lanes_[queue][p].push_back(std::move(what));
    ++counts_[p];
    ++size_;
  }
  [[nodiscard]] std::optional<T> take() {
    if (size_ == 0) return std::nullopt;
    std::size_t p = priorities - 1;
    while (counts_[p] == 0) --p;
    while (lanes_[turn_][p].empty()) turn_ = (turn_ + 1) % lanes_.size();
    auto& from = lanes_[turn_][p];
    std::optional<T> out{std::move(from.front())};
    from.pop_front();
    --counts_[p];
    --size_;
    turn_ = (turn_ + 1) % lanes_.size();
    return out;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  void clear() {
    for (auto& lane : lanes_)
      for (auto& level : lane) level.clear();
    counts_ = {};
    size_ = 0;
  }

 private:
  std::vector<std::array<std::deque<T>, priorities>> lanes_;
  std::array<std::size_t, priorities> counts_{};
  std::size_t size_ = 0, turn_ = 0;
};

}  // namespace lovage::broker::amqp
