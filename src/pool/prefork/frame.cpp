#include "pool/prefork/frame.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace lovage::pool {
namespace {

/// Sends the part of head + payload that starts at `from`; bytes taken, or -1 with errno.
ssize_t send_part(int fd, int flags, frame_head const& head, std::string_view payload, std::size_t from) {
  iovec parts[2];
  std::size_t n = 0;
  if (from < sizeof head) {
    parts[n++] = {reinterpret_cast<char*>(const_cast<frame_head*>(&head)) + from, sizeof head - from};
    from = 0;
  } else {
    from -= sizeof head;
  }
  if (from < payload.size()) parts[n++] = {const_cast<char*>(payload.data()) + from, payload.size() - from};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = n;
  return ::sendmsg(fd, &message, flags | MSG_NOSIGNAL);
}

}  // namespace

/// Where the next bytes go. A large payload grows as it comes, so that a false size costs no memory.
char* frame_reader::room(std::size_t& size) {
  if (!large_) {
    if (small_.empty()) small_.resize(small_size);
    size = small_.size() - filled_;
    return small_.data() + filled_;
  }
  if (payload_filled_ == payload_.size()) {
    payload_.resize(std::min<std::size_t>(head_.size, std::max<std::size_t>(payload_filled_ * 2, 1 << 20)));
  }
  size = payload_.size() - payload_filled_;
  return payload_.data() + payload_filled_;
}

frame_reader::status frame_reader::read_some(int fd, int flags, on_frame const& got) {
  std::size_t size = 0;
  char* const to = room(size);
  auto const n = ::recv(fd, to, size, flags);
  if (n == 0) return status::closed;
  if (n < 0) return errno == EAGAIN || errno == EINTR ? status::empty : status::closed;
  auto const bytes = static_cast<std::size_t>(n);
  auto const after = bytes < size ? status::empty : status::more;
  if (!large_) {
    filled_ += bytes;
    return cut(got) ? after : status::garbage;
  }
  payload_filled_ += bytes;
  if (payload_filled_ == head_.size) {
    large_ = false;
    got(head_, std::exchange(payload_, {}));
  }
  return after;
}

bool frame_reader::cut(on_frame const& got) {
  std::size_t at = 0;
  while (filled_ - at >= sizeof(frame_head)) {
    std::memcpy(&head_, small_.data() + at, sizeof head_);
    if (head_.magic != frame_head::magic_value) return false;
    auto const have = filled_ - at - sizeof head_;
    if (have < head_.size) {
      if (head_.size <= small_.size() - sizeof head_) break;  // fits once the rest is here
      large_ = true;
      payload_.assign(small_.data() + at + sizeof head_, have);
      payload_filled_ = have;
      filled_ = 0;
      return true;
    }
    std::string payload{small_.data() + at + sizeof head_, head_.size};
    at += sizeof head_ + head_.size;
    got(head_, std::move(payload));
  }
  std::memmove(small_.data(), small_.data() + at, filled_ - at);
  filled_ -= at;
  return true;
}

void frame_reader::reset() {
  filled_ = 0;
  large_ = false;
  payload_ = {};
  payload_filled_ = 0;
}

frame_writer::status frame_writer::write(int fd, int flags, frame_head head, std::string&& payload) {
  head_ = head;
  head_.size = payload.size();
  payload_ = std::move(payload);
  written_ = 0;
  pending_ = true;
  return flush(fd, flags);
}

frame_writer::status frame_writer::flush(int fd, int flags) {
  auto const total = sizeof head_ + payload_.size();
  while (pending_) {
    auto const n = send_part(fd, flags, head_, payload_, written_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN ? status::blocked : status::closed;
    written_ += static_cast<std::size_t>(n);
    if (written_ == total) reset();
  }
  return status::done;
}

frame_writer::status frame_writer::write_all(int fd, frame_head head, std::string_view payload) {
  head.size = payload.size();
  for (std::size_t written = 0; written < sizeof head + payload.size();) {
    auto const n = send_part(fd, 0, head, payload, written);
    if (n < 0 && errno != EINTR) return status::closed;
    if (n > 0) written += static_cast<std::size_t>(n);
  }
  return status::done;
}

std::string frame_writer::take_back() {
  auto out = std::move(payload_);
  reset();
  return out;
}

void frame_writer::reset() {
  payload_ = {};
  written_ = 0;
  pending_ = false;
}

}  // namespace lovage::pool
