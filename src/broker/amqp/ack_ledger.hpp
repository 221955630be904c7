// Which messages of a channel are settled, so that one basic.ack says it for as many as possible.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

namespace lovage::broker::amqp {

/// Delivery tags of a channel count up from 1 and arrive in order. A value without I/O.
class ack_ledger {
 public:
  struct ack {
    std::uint64_t tag = 0;
    bool multiple = false;  ///< this tag and all before it
    friend bool operator==(ack const&, ack const&) = default;
  };

  void arrived(std::uint64_t tag) {
    if (states_.empty()) first_ = tag;
    for (; first_ + states_.size() <= tag; ++open_) states_.push_back(state::open);
  }
  /// To be acknowledged.
  void settled(std::uint64_t tag) {
    if (!has(tag)) return;
    close(tag, state::done);
    fresh_.push_back(tag);
  }
  /// Rejected: the server forgets it by itself. Write the reject before the next acks: those may span it.
  void rejected(std::uint64_t tag) {
    if (has(tag)) close(tag, state::gone);
  }
  /// Settled since the last `take`.
  [[nodiscard]] std::size_t waiting() const noexcept { return fresh_.size(); }
  /// Arrived and not settled: when there are none, one ack says all.
  [[nodiscard]] std::size_t open() const noexcept { return open_; }
  /// What to write now. A run of settled messages at the front is one ack; what is settled behind one that still runs
  /// is acknowledged alone, so that a long task holds nobody up.
  [[nodiscard]] std::vector<ack> take() {
    std::vector<ack> out;
    std::uint64_t last = 0;
    std::size_t count = 0;
    for (; !states_.empty() && states_.front() != state::open; states_.pop_front(), ++first_)
      if (states_.front() == state::done) last = first_, ++count;
    if (count > 0) out.push_back({last, count > 1});
    for (auto const tag : fresh_)
      if (has(tag)) out.push_back({tag, false}), states_[tag - first_] = state::gone;
    fresh_.clear();
    return out;
  }
  void clear() { states_.clear(), fresh_.clear(), open_ = 0; }

 private:
  enum class state : std::uint8_t { open, done, gone };
  void close(std::uint64_t tag, state as) {
    auto& s = states_[tag - first_];
    if (s == state::open) --open_;
    s = as;
  }
  [[nodiscard]] bool has(std::uint64_t tag) const {
    return tag >= first_ && tag - first_ < states_.size() && states_[tag - first_] != state::gone;
  }

  std::uint64_t first_ = 1;
  std::size_t open_ = 0;
  std::deque<state> states_;
  std::vector<std::uint64_t> fresh_;
};

}  // namespace lovage::broker::amqp
