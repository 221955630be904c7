// A port for a server of a test's own.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <set>
#include <stdexcept>

namespace lovage::testing {

[[nodiscard]] inline bool is_free(int port) {
  int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<in_port_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bool const bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return bound;
}

/// A port that nobody listens on, below those that the kernel gives to outgoing connections: a server that is started
/// again finds it free. Not below 10000, nor of those that the tests in Python take. For one thread.
[[nodiscard]] inline int free_port() {
  static std::set<int> given;  // also to servers that are down at the moment
  static std::mt19937 chance{std::random_device{}()};
  std::uniform_int_distribution any{10'000, 19'999};
  for (int tries = 0; tries < 1000; ++tries)
    if (int const port = any(chance); is_free(port) && given.insert(port).second) return port;
  throw std::runtime_error{"no free port from 10000 to 19999"};
}

}  // namespace lovage::testing
