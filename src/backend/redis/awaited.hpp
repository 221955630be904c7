// Which results are awaited, by whom, and what that means for the subscriptions of one connection. Pure: no socket, no
// thread, no clock.
//
//   add --> subscribe (sent) --> subscribed (confirmed) --> fetch, once --> messages
//    ^                                                        ^                | not final: fetch again
//    +---- lost: everybody from the start                     +----------------+
//                                                                              | final, removed: unsubscribe
//
// A record that was published before the subscription took effect is found by the fetch, and one published after it by
// its message: nothing falls between. A message that is not final only says "look again", because it may be older than
// what a fetch has shown already; fetches come one after another, so what is shown never goes back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace lovage::backend::redis {

/// *Threads*: one at a time.
class awaited {
 public:
  using reader = void*;
  struct orders {
    std::vector<std::string> subscribe, unsubscribe;
    std::vector<std::string> fetch;  ///< their subscription is in effect: read what is stored
  };

  void add(reader who, std::string const& id);
  void remove(reader who, std::string const& id);
  /// A final record, or one that cannot be read: nobody waits for it any more. Who did.
  [[nodiscard]] std::vector<reader> finish(std::string const& id);
  [[nodiscard]] std::vector<reader> readers(std::string const& id) const;

  /// What is to be said to the server now, unsubscriptions first; taken for done.
  [[nodiscard]] orders take_orders();
  /// The server's answer to one subscription.
  void subscribed(std::string const& id);
  /// Something was written: look at it.
  void changed(std::string const& id);
  /// The connection is gone, and all subscriptions with it.
  void lost();

  [[nodiscard]] bool has_orders() const noexcept { return !dirty_.empty() || !fetch_.empty(); }
  /// Nobody waits for anything.
  [[nodiscard]] bool idle() const noexcept { return waiting_ == 0; }

 private:
  struct entry {
    std::vector<reader> readers;
    bool sent = false;    ///< the server has been told last that we listen
    int unconfirmed = 0;  ///< subscriptions without an answer: only the last answer means that we listen since then
  };
  void leave(std::unordered_map<std::string, entry>::iterator at);

  std::unordered_map<std::string, entry> entries_;
  std::unordered_set<std::string> dirty_, fetch_;
  std::size_t waiting_ = 0;  ///< entries with readers
};

}  // namespace lovage::backend::redis
