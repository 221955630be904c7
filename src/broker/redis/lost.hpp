// Entries of `unacked` that nobody settled in time, and how they are moved on; used by the reaper and the restorer.
#pragma once

#include "broker/redis/parts.hpp"

#include <chrono>
#include <functional>

namespace lovage::broker::redis_broker {

/// Names in `unacked_index` without a sign of life for `age`, by the server's clock; `wanted` chooses among them. At
/// most some thousands.
[[nodiscard]] expected<std::vector<std::string>> older_than(shared const& on, rd::client& over,
                                                            std::chrono::milliseconds age,
                                                            std::function<bool(std::string const&)> const& wanted,
                                                            deadline until);

/// One for each name; nil for what is not there.
[[nodiscard]] expected<std::vector<rd::reply>> values_of(shared const& on, rd::client& over,
                                                         std::vector<std::string> const& names, deadline until);

/// What `scripts::settle` shall do.
class moves {
 public:
  /// Those that must be this old; without: one's own.
  explicit moves(std::optional<std::chrono::milliseconds> age = {});

  void done(std::string name) { add({"D", std::move(name)}); }
  void give_back(std::string name, std::string element, std::vector<std::string> const& lists);
  /// `record` as of `dead_head`.
  void bury(std::string name, std::string record, std::string queue, std::string tail) {
    add({"B", std::move(name), std::move(record), std::move(queue), std::move(tail)});
  }
  /// `member` as of `delayed_head`.
  void delay(std::string name, time_point due, std::string queue, std::string member, std::string tail);

  [[nodiscard]] bool empty() const noexcept { return words_.size() == 1; }
  [[nodiscard]] std::vector<std::string_view> arguments() const { return {words_.begin(), words_.end()}; }
  /// How many were there.
  [[nodiscard]] expected<std::size_t> send(shared const& on, rd::client& over, deadline until) const;

 private:
  void add(std::initializer_list<std::string> words) { words_.insert(words_.end(), words); }
  std::vector<std::string> words_;
};

}  // namespace lovage::broker::redis_broker
