#include "pool/prefork/server_process.hpp"

#include "pool/prefork/process_title.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace lovage::pool {

expected<self_image> self_image::read(std::string_view title) {
  std::ifstream file{"/proc/self/cmdline", std::ios::binary};
  std::string const line{std::istreambuf_iterator<char>{file}, {}};
  self_image out;
  for (std::size_t at = 0; at < line.size();) {
    auto const end = std::min(line.find('\0', at), line.size());
    out.argv.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  if (out.argv.empty()) return fail(errc::internal, "cannot read the own command line", "/proc/self/cmdline");
  out.env.push_back(process_title::variable(title));
  for (char** e = environ; e != nullptr && *e != nullptr; ++e) out.env.emplace_back(*e);
  out.env.push_back(std::string{fork_server_variable} + "=" + std::to_string(control_descriptor));
  return out;
}

expected<server_process> server_process::start(self_image const& self, int stop_flags) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail(errc::internal, std::string{"cannot make a socket for the fork server: "} + std::strerror(errno));
  }
  server_process out;
  out.control_.reset(ends[0]);
  io::descriptor const theirs{ends[1]};
  // The link, not what it points to: it still opens this very program after the file was replaced or deleted.
  auto started = io::spawn({.file = "/proc/self/exe",
                            .argv = self.argv,
                            .env = self.env,
                            .descriptors = {{theirs.get(), control_descriptor}, {stop_flags, control_descriptor + 1}}});
  if (!started) return fail(started.error());
  out.process_ = std::move(*started);
  return out;
}

void server_process::send(control_kind kind, std::uint32_t slot, int pid, int status) {
  control_message m;
  m.kind = kind;
  m.slot = slot;
  m.pid = pid;
  m.status = status;
  waiting_.push_back(m);
  flush();
}

bool server_process::flush() {
  while (!waiting_.empty()) {
    auto const sent = send_control(control_.get(), waiting_.front(), -1, MSG_DONTWAIT);
    if (sent == control_status::blocked) return false;
    waiting_.pop_front();  // to a server that is gone nothing needs saying
  }
  return true;
}

control_status server_process::receive(control_message& what, io::descriptor& passed) {
  return receive_control(control_.get(), what, passed, MSG_DONTWAIT);
}

}  // namespace lovage::pool
