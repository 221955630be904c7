// What one listener of the live stream has not read yet, in bounded memory.
//
//   hub --push(kind, data)--> [ newest state of each kind | a few lists ] --take--> socket
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace lovage::web {

/// One server-sent event, made once and shared by all listeners.
struct live_event {
  std::string kind;       ///< "overview"
  std::string text;       ///< "event: overview\ndata: {...}\n\n"
  bool state = true;      ///< a newer one of its kind takes its place
  std::size_t items = 0;  ///< of a list: how many it holds
};
using shared_event = std::shared_ptr<live_event const>;

/// `json` must hold no line breaks, which JSON text never does.
[[nodiscard]] shared_event make_event(std::string kind, std::string_view json, bool state, std::size_t items = 0);

/// A listener that reads slowly gets the newest state and the newest lists; of lists that it missed it is told how many
/// items they held: `{"more": n}`. *Threads*: any.
class event_queue {
 public:
  /// `lists`: so many of each kind of list wait at most.
  explicit event_queue(std::size_t lists = 4) : lists_{lists} {}

  void push(shared_event e);
  /// Everything that waits, as the text of a stream; empty when nothing does.
  [[nodiscard]] std::string take();
  /// Called after each `push` and at the end; none: nobody is woken.
  void on_push(std::function<void()> wake);
  /// No more comes. `closed` is true once this was called.
  void close();
  [[nodiscard]] bool closed() const;
  [[nodiscard]] std::size_t waiting() const;

 private:
  void make_room(live_event const& for_this);

  std::size_t const lists_;
  mutable std::mutex mutex_;
  std::deque<shared_event> waiting_;
  std::deque<std::pair<std::string, std::size_t>> missed_;  // kind of list, items
  std::function<void()> wake_;
  bool closed_ = false;
};

}  // namespace lovage::web
