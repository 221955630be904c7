// Listens on an address and hands over each connection: what the servers of this program have in common.
#pragma once

#include <lovage/expected.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace lovage::health {

/// *Threads*: the loop's, or any while it does not run. *Lifetime*: the loop outlives it.
class listener {
 public:
  explicit listener(boost::asio::io_context& loop) : acceptor_{loop}, pause_{loop} {}

  /// `port` 0: any that is free; `backlog`: connections that may wait. Error `unavailable`: the system's reason, and
  /// where.
  [[nodiscard]] expected<void> open(boost::asio::ip::address const& address, std::uint16_t port, int backlog);
  /// Until `close`, or the loop's end. Children of the process do not inherit the sockets.
  void accept(std::function<void(boost::asio::ip::tcp::socket)> serve);
  void close();
  [[nodiscard]] std::uint16_t port() const { return bound_.port(); }
  /// "http://127.0.0.1:8080"
  [[nodiscard]] std::string url() const;

 private:
  void accept_next();
  void accept_later();

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  boost::asio::ip::tcp::endpoint bound_;
  std::function<void(boost::asio::ip::tcp::socket)> serve_;
};

}  // namespace lovage::health
