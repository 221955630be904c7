// What a worker makes of the others' events: who lives, and elections among them (wire-format 11.2, 11.4).
//
//     worker-online, -heartbeat --> alive        worker-elect --> candidate, an ack of ours
//     worker-offline, silence   --> gone         as many acks as live --> the smallest candidate wins
#pragma once

#include "wire/event.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lovage::work {

/// What is to be done about an event.
struct gossip_step {
  std::vector<std::string> log;      ///< lines for level info
  std::vector<wire::event> answers;  ///< to be sent
  std::optional<value> won = {};     ///< this node is to apply this action
};

/// Pure: no clock, no socket. *Threads*: one.
class gossip {
 public:
  using time = std::chrono::steady_clock::time_point;

  /// `pid` as in the node's own events.
  gossip(std::string node, std::int64_t pid) : node_{std::move(node)}, pid_{pid} {}

  [[nodiscard]] gossip_step hear(wire::event const& e, time now);
  /// Those unheard of for twice their rhythm are gone.
  [[nodiscard]] gossip_step look(time now);
  /// Asks for an election: from now on acks for it are counted.
  [[nodiscard]] gossip_step elect(std::string const& id, std::string const& topic, value const& action);

  /// The other nodes that live, sorted.
  [[nodiscard]] std::vector<std::string> others(time now) const;

 private:
  struct other {
    time last{};
    std::chrono::duration<double> rhythm{2};
  };
  struct candidate {
    std::int64_t clock = 0;
    std::string name;  ///< "<node>.<pid>"
    std::string topic;
    value action;
  };
  struct election {
    std::vector<candidate> candidates;
    std::optional<std::size_t> acks;  ///< counted only by those that were asked themselves
  };

  void follow(wire::event const& e, time now, gossip_step& out);
  void hear_candidate(wire::event const& e, gossip_step& out);
  void hear_ack(wire::event const& e, time now, gossip_step& out);

  std::string const node_;
  std::int64_t const pid_;
  std::map<std::string, other> others_;
  std::map<std::string, election> elections_;
};

}  // namespace lovage::work
