// Frames between worker and child: a fixed head and a payload of any size, on a stream socket. Both ends are the same
// program on the same machine, so the head travels as it lies in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::pool {

enum class frame_kind : std::uint32_t {
  ready = 1,  ///< child: made itself at home
  job,        ///< worker: run this; `number` is the soft limit in ns, -1 for none
  message,    ///< child: progress
  finished,   ///< child: the runner's return; `number` is the runtime in ns
  threw,      ///< child: the runner broke its contract; the payload says how; `number` is the runtime in ns
};

struct frame_head {
  std::uint32_t magic = magic_value;
  frame_kind kind = frame_kind::ready;
  std::uint64_t id = 0;
  std::int64_t number = 0;
  std::uint64_t size = 0;

  static constexpr std::uint32_t magic_value = 0x4c4f5641;  // a task that writes to a wrong descriptor is noticed
};
static_assert(sizeof(frame_head) == 32);

/// Cuts a stream into frames. Small frames that arrive together cost one read; a large payload is read into place.
class frame_reader {
 public:
  enum class status {
    more,     ///< read something, perhaps there is more
    empty,    ///< nothing more for now
    closed,   ///< the other end is gone
    garbage,  ///< this is no frame: the stream cannot be used any more
  };
  using on_frame = std::function<void(frame_head const&, std::string&&)>;

  /// One recv(2) with `flags`; calls `got` for each frame that is complete now.
  status read_some(int fd, int flags, on_frame const& got);
  void reset();

 private:
  bool cut(on_frame const& got);
  char* room(std::size_t& size);

  static constexpr std::size_t small_size = 64 * 1024;
  std::vector<char> small_;
  std::size_t filled_ = 0;
  bool large_ = false;  ///< head_ and part of payload_ are there
  frame_head head_;
  std::string payload_;
  std::size_t payload_filled_ = 0;
};

/// Bytes that a socket did not take yet.
class frame_writer {
 public:
  enum class status { done, blocked, closed };

  /// Writes a frame, or begins to: what is left is kept. Requires `!pending()`.
  status write(int fd, int flags, frame_head head, std::string&& payload);
  /// As above for a payload that is not ours; blocks until all is written.
  static status write_all(int fd, frame_head head, std::string_view payload);
  status flush(int fd, int flags);
  [[nodiscard]] bool pending() const noexcept { return pending_; }
  /// Nothing of the frame has left yet.
  [[nodiscard]] bool untouched() const noexcept { return pending_ && written_ == 0; }
  /// Gives the payload back, for another child.
  [[nodiscard]] std::string take_back();
  void reset();

 private:
  frame_head head_;
  std::string payload_;
  std::size_t written_ = 0;
  bool pending_ = false;
};

}  // namespace lovage::pool
