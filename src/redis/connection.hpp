// One connection to one Redis server.
#pragma once

#include "redis/endpoint.hpp"
#include "redis/reply.hpp"
#include "redis/socket.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

namespace lovage::redis {

/// *Threads*: one at a time. After an error it is of no further use.
class connection {
 public:
  /// Connects, authenticates, selects the database and waits for the first answer. Errors: as `socket::connect`, and
  /// `to_error`.
  [[nodiscard]] static expected<std::unique_ptr<connection>> open(endpoint const& to, deadline until);
  ~connection();

  /// Sends everything and waits for one answer each. Between any two pieces that are taken or come no more than
  /// `silence` may pass; zero: only the deadline ends the wait.
  [[nodiscard]] expected<std::vector<reply>> run(commands const& what, deadline until,
                                                 std::chrono::milliseconds silence = {});
  [[nodiscard]] expected<void> send(commands const& what, deadline until);
  /// The next answer or push. Nothing at the deadline, or when `wake` (a descriptor) became readable.
  [[nodiscard]] expected<std::optional<reply>> receive(deadline until, int wake = -1);
  /// The server closed it, as far as is known here; asks nobody.
  [[nodiscard]] bool hung_up() const { return socket_->hung_up(); }
  [[nodiscard]] endpoint const& where() const noexcept { return where_; }

 private:
  struct reader;
  connection(endpoint to, std::unique_ptr<socket> over);
  [[nodiscard]] expected<void> greet(deadline until);
  endpoint where_;
  std::unique_ptr<socket> socket_;
  std::unique_ptr<reader> reader_;
};

/// Connects to server number `which` of the list, or to the master that this sentinel names (and that says itself that
/// it is one).
[[nodiscard]] expected<std::unique_ptr<connection>> open(endpoints const& all, std::size_t which, deadline until);

}  // namespace lovage::redis
