// The worker's end of the fork server: starting it and exchanging messages without blocking.
#pragma once

#include "io/process.hpp"
#include "pool/prefork/control.hpp"

#include <lovage/expected.hpp>

#include <csignal>
#include <deque>
#include <string>
#include <vector>

namespace lovage::pool {

/// How this program was started; read once, early, since a program may change its title or environment later.
struct self_image {
  std::vector<std::string> argv, env;
  /// `title` is the worker's, for the titles of its processes.
  static expected<self_image> read(std::string_view title);
};

class server_process {
 public:
  /// *Threads*: one that lives as long as the pool, for its end is what PR_SET_PDEATHSIG watches.
  static expected<server_process> start(self_image const& self, int stop_flags);

  [[nodiscard]] int control() const noexcept { return control_.get(); }
  [[nodiscard]] int end() const noexcept { return process_.descriptor_of_end(); }
  [[nodiscard]] int pid() const noexcept { return process_.pid(); }
  /// `status` as in control_message.
  void send(control_kind kind, std::uint32_t slot = 0, int pid = 0, int status = 0);
  /// Sends what waited. False while some still waits.
  bool flush();
  control_status receive(control_message& what, io::descriptor& passed);
  void kill() noexcept { process_.signal(SIGKILL); }
  io::ending reap() { return process_.wait(deadline::never()).value_or(io::ending{}); }

 private:
  io::process process_;
  io::descriptor control_;
  std::deque<control_message> waiting_;
};

}  // namespace lovage::pool
