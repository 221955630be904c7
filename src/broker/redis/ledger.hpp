// What a consumer holds, as Redis has it.
#pragma once

#include "broker/ledger.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

class ledger : public broker::ledger<held> {
 public:
  /// What came over a channel leaves no mark: nobody else can be given it.
  void started(std::uint64_t tag);
  /// Tag and place of queue of what is in `unacked`.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, std::size_t>> leased() const;
  /// These were not found. Those that were not found twice are forgotten and returned: their lease is lost.
  [[nodiscard]] std::size_t missing(std::vector<std::uint64_t> const& tags);
};

}  // namespace lovage::broker::redis_broker
