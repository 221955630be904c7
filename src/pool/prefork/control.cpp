#include "pool/prefork/control.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace lovage::pool {

void control_message::set_text(std::string_view t) noexcept {
  auto const n = std::min(t.size(), sizeof text - 1);
  std::memcpy(text, t.data(), n);
  text[n] = '\0';
}

control_status send_control(int fd, control_message const& what, int passed, int flags) noexcept {
  iovec part{const_cast<control_message*>(&what), sizeof what};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (passed >= 0) {
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    auto* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(head), &passed, sizeof passed);
  }
  while (::sendmsg(fd, &message, flags | MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    // ETOOMANYREFS: too many descriptors under way; the receiver takes them out
    return errno == EAGAIN || errno == ETOOMANYREFS ? control_status::blocked : control_status::closed;
  }
  return control_status::done;
}

control_status receive_control(int fd, control_message& what, io::descriptor& passed, int flags) noexcept {
  iovec part{&what, sizeof what};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  ssize_t n = 0;
  do {
    n = ::recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) return control_status::blocked;
  if (n != static_cast<ssize_t>(sizeof what)) return control_status::closed;
  what.text[sizeof what.text - 1] = '\0';
  auto const* const head = CMSG_FIRSTHDR(&message);
  if (head != nullptr && head->cmsg_type == SCM_RIGHTS) {
    int got = -1;
    std::memcpy(&got, CMSG_DATA(head), sizeof got);
    passed.reset(got);
  }
  return control_status::done;
}

}  // namespace lovage::pool
