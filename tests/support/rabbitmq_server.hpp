// A RabbitMQ of a test program's own: free ports, a directory of its own, gone with the object.
#pragma once

#include "free_port.hpp"

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::testing {

/// Started by the constructor, which waits until it answers (some seconds), killed by the destructor; dies with the
/// program in any case. Throws std::runtime_error with the end of the log when it does not start.
class rabbitmq_server {
 public:
  rabbitmq_server();
  ~rabbitmq_server();
  rabbitmq_server(rabbitmq_server const&) = delete;
  rabbitmq_server& operator=(rabbitmq_server const&) = delete;

  /// "amqp://guest:guest@127.0.0.1:port/vhost"
  [[nodiscard]] std::string url(std::string const& vhost) const;
  /// "amqps://guest:guest@localhost:port/vhost"; its certificate bears "localhost" and is signed by `ca_file`.
  [[nodiscard]] std::string tls_url(std::string const& vhost) const;
  [[nodiscard]] std::string ca_file() const { return file("ca.pem"); }
  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] std::string file(std::string const& name) const { return (directory_ / name).string(); }

  /// A virtual host that nobody used before.
  [[nodiscard]] std::string fresh_vhost();
  /// Runs one Erlang expression in the server; its value as text.
  std::string eval(std::string const& expression) const;

  /// The server falls silent, with all its connections open, and comes back.
  void pause() const;
  void resume() const;
  /// As kill -9 does. `start` brings it back on the same ports with the same durable queues.
  void kill();
  void start();

 private:
  void make_certificates() const;
  void write_config() const;
  void spawn_epmd();
  void wait_until_up();

  std::filesystem::path const directory_;
  int const port_, tls_port_, dist_port_, epmd_port_;
  std::string const node_;
  ::pid_t epmd_ = -1, server_ = -1;
  std::vector<std::string> vhosts_;
  int made_ = 0;
};

}  // namespace lovage::testing
