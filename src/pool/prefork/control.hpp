// What worker and fork server tell each other: small messages on a SOCK_SEQPACKET socket, descriptors with them.
#pragma once

#include "io/descriptor.hpp"

#include <cstdint>
#include <string_view>

namespace lovage::pool {

enum class control_kind : std::uint32_t {
  // worker -> server
  fork = 1,  ///< make a child for `slot`
  kill,      ///< signal `status` to the child of `slot`, if it is still `pid`
  quit,      ///< the children have been told to go: reap them, then exit
  kill_all,  ///< SIGKILL to all, reap them, then exit
  // server -> worker
  ready,     ///< can fork
  problem,   ///< cannot serve: `text` says why
  forked,    ///< `slot`, `pid`, and the worker's end of the child's socket
  no_child,  ///< fork failed for `slot`: `status` is errno
  died,      ///< `slot`, `pid`, `status` as from wait(2)
};

struct control_message {
  control_kind kind = control_kind::ready;
  std::uint32_t slot = 0;
  std::int32_t pid = 0;
  std::int32_t status = 0;
  char text[240] = {};

  void set_text(std::string_view t) noexcept;
};

/// The descriptors a fork server inherits: LOVAGE_FORK_SERVER names the first, the stop flags follow it.
inline constexpr int control_descriptor = 3;
inline constexpr char const* fork_server_variable = "LOVAGE_FORK_SERVER";

enum class control_status { done, blocked, closed };

/// `passed` travels along when it is not -1; the caller's copy stays open.
control_status send_control(int fd, control_message const& what, int passed, int flags) noexcept;
control_status receive_control(int fd, control_message& what, io::descriptor& passed, int flags) noexcept;

}  // namespace lovage::pool
