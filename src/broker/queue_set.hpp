// The queues of a consumer: which it takes from, and which is next. A value without I/O.
#pragma once

#include "broker/queue_picker.hpp"

#include <lovage/types.hpp>

#include <optional>
#include <span>
#include <vector>

namespace lovage::broker {

/// Places never change: a queue that is left and taken again has the place it had.
class queue_set {
 public:
  explicit queue_set(queue_order how = queue_order::fair) : picker_{how} {}

  /// Its place. A queue of old keeps its weight.
  std::size_t add(queue_name const& queue, int weight = 1);
  /// The place that it had; nothing when it is not there.
  std::optional<std::size_t> remove(queue_name const& queue);
  /// Empty: all.
  void select(std::span<queue_name const> queues);

  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  [[nodiscard]] queue_name const& name(std::size_t place) const { return all_[place].name; }
  [[nodiscard]] std::optional<std::size_t> find(queue_name const& queue) const;
  [[nodiscard]] bool has(std::size_t place) const { return all_[place].there; }
  /// Whether to take from it now.
  [[nodiscard]] bool serves(std::size_t place) const { return all_[place].there && all_[place].chosen; }
  /// Places of those, in order.
  [[nodiscard]] std::vector<std::size_t> served() const;
  [[nodiscard]] queue_picker& picker() noexcept { return picker_; }

 private:
  struct entry {
    queue_name name;
    bool there = true, chosen = true;
  };
  std::vector<entry> all_;
  std::vector<queue_name> chosen_;  ///< empty: all
  queue_picker picker_;
};

}  // namespace lovage::broker
