// What a consumer holds: shared by the thread that claims, the pool's threads that start, and the keeper.
#pragma once

#include "broker/transport.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace lovage::broker::redis_broker {

/// The name of a claimed message in `unacked`: "lv:<session>:<tag>:<queue>". Python's restore takes any name.
struct claim_name {
  std::string session;
  std::uint64_t tag = 0;
  std::string queue;
  [[nodiscard]] std::string text() const { return start(session) + std::to_string(tag) + ending(queue); }
  [[nodiscard]] static std::string start(std::string_view session) { return "lv:" + std::string{session} + ":"; }
  [[nodiscard]] static std::string ending(std::string_view queue) { return ":" + std::string{queue}; }
  /// Nothing for names that are not lovage's.
  [[nodiscard]] static std::optional<claim_name> read(std::string_view text);
};

struct held {
  std::size_t queue = 0;  ///< place in the consumer's list
  int priority = 0;
  std::uint32_t attempts = 0;
  std::optional<std::string> fanout;  ///< the text of a message that came over a channel: nobody else has it
  std::chrono::steady_clock::time_point started{};
  bool missed = false;  ///< was not there at the last renewal
};

class ledger {
 public:
  using clock = std::chrono::steady_clock;

  void add(std::uint64_t tag, held h);
  [[nodiscard]] std::optional<held> find(std::uint64_t tag) const;
  void erase(std::uint64_t tag);
  [[nodiscard]] std::vector<std::uint64_t> tags() const;

  void started(std::uint64_t tag);
  /// Waits until one began since the last call (true), `stop`, or the time.
  [[nodiscard]] bool wait_for_start(clock::time_point until);
  [[nodiscard]] bool wait_for_stop(clock::time_point until);
  /// Those that began by `since`.
  [[nodiscard]] std::vector<std::uint64_t> running(clock::time_point since) const;
  /// Ends every wait.
  void stop();
  [[nodiscard]] bool stopped() const;

  /// Tag and place of queue of what is in `unacked`.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, std::size_t>> leased() const;
  /// These were not found. Those that were not found twice are forgotten and returned: their lease is lost.
  [[nodiscard]] std::size_t missing(std::vector<std::uint64_t> const& tags);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<std::uint64_t, held> held_;
  bool began_ = false, stopped_ = false;
};

}  // namespace lovage::broker::redis_broker
