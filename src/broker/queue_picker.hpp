// Which queue is served next. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lovage::broker {

enum class queue_order {
  fair,      ///< highest priority first; equal ones in turn
  strict,    ///< the first queue to its end, then the second, ...; priorities count within a queue
  weighted,  ///< a queue of weight 10 is served ten times as often as one of weight 1; priorities within a queue
};

/// Keeps whose turn it is. *Threads*: one.
class queue_picker {
 public:
  /// A queue that has something.
  struct candidate {
    std::size_t queue = 0;  ///< its place, below `queues()`
    int priority = 0;       ///< of its next message
  };

  explicit queue_picker(queue_order how = queue_order::fair) : how_{how} {}

  /// One more queue, after the others.
  void add(int weight);
  [[nodiscard]] std::size_t queues() const noexcept { return weights_.size(); }
  [[nodiscard]] queue_order order() const noexcept { return how_; }
  [[nodiscard]] int weight(std::size_t queue) const noexcept { return weights_[queue]; }
  /// The place in `from` of the one to serve now; `from` is in the order of the queues and not empty.
  [[nodiscard]] std::size_t pick(std::span<candidate const> from);

 private:
  [[nodiscard]] std::size_t fair(std::span<candidate const> from);
  [[nodiscard]] std::size_t weighted(std::span<candidate const> from);

  queue_order how_;
  std::vector<int> weights_;
  std::vector<std::int64_t> credit_;
  std::size_t turn_ = 0;  ///< the queue that is first among equals
};

}  // namespace lovage::broker
