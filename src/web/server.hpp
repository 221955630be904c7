// HTTP/1.1 with kept connections: one thread for sockets, a few for answers that have to wait for others.
//
//   sockets --request--> service::waits? --no--> answered here
//                             `--yes--> pool of threads --answer--> sockets
#pragma once

#include "web/message.hpp"

#include <lovage/expected.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace lovage::web {

/// What answers. Both are called with every request; what they throw is logged and answered with 500.
struct service {
  std::function<bool(request const&)> waits;  ///< in the sockets' thread
  std::function<response(request)> answer;    ///< where `waits` says
};

/// What a client may do to us.
struct server_limits {
  std::uint32_t header_bytes = 16'384;
  std::uint64_t body_bytes = 1 << 20;
  std::chrono::seconds request_time{20};  ///< for a whole request, from its first octet on
  std::chrono::seconds idle_time{75};     ///< between two requests
  std::chrono::seconds write_time{30};    ///< for an answer, or a piece of a stream
  std::chrono::seconds heartbeat{15};     ///< of streams
  std::size_t connections = 2'000;        ///< further ones are closed at once
  std::size_t threads = 8;
  std::size_t waiting = 512;  ///< requests that wait for a thread; further ones get 503
};

/// *Threads*: `start` and `stop` from one. `stop` may come first and may come twice; it waits for handlers under way.
class server {
 public:
  /// Listens, and answers nobody yet. `host`: an address or a name; `port` 0: any that is free. Errors:
  /// `invalid_argument` (no such host), `unavailable` (in use, not permitted).
  [[nodiscard]] static expected<std::unique_ptr<server>> listen(std::string const& host, std::uint16_t port,
                                                                service what, server_limits limits = {});
  ~server();
  server(server const&) = delete;
  server& operator=(server const&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept;
  /// "http://127.0.0.1:5555"
  [[nodiscard]] std::string url() const;
  void start();
  void stop();
  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  class impl;
  explicit server(std::unique_ptr<impl> with);
  std::unique_ptr<impl> impl_;
};

}  // namespace lovage::web
