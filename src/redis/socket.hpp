// A stream to a server: TCP, TLS over TCP, or a Unix socket; every wait has an end.
#pragma once

#include "io/descriptor.hpp"
#include "io/tls.hpp"
#include "redis/endpoint.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lovage::redis {

/// *Threads*: one at a time. After an error it is of no further use.
class socket {
 public:
  /// Errors: `timeout`, `unavailable` (refused, unknown host, certificate not accepted), `bad_config` (TLS files).
  [[nodiscard]] static expected<std::unique_ptr<socket>> connect(endpoint const& to, deadline until);
  ~socket();
  socket(socket const&) = delete;
  socket& operator=(socket const&) = delete;

  [[nodiscard]] expected<void> write(std::string_view bytes, deadline until);
  /// Appends what has come to `out`; waits for at least one byte. False: nothing came until the deadline, or `wake`
  /// (a descriptor, -1 for none) became readable. Error `unavailable` when the peer closed.
  [[nodiscard]] expected<bool> read(std::string& out, deadline until, int wake = -1);
  /// The peer closed, as far as is known here; asks nobody.
  [[nodiscard]] bool hung_up() const;

 private:
  explicit socket(io::descriptor fd, std::string where);
  [[nodiscard]] expected<void> start_tls(endpoint const& to, deadline until);
  [[nodiscard]] expected<std::size_t> put(std::string_view bytes);
  [[nodiscard]] expected<std::size_t> get(std::span<char> into);

  io::descriptor fd_;
  std::string where_;
  std::unique_ptr<io::tls_session> tls_;
  short needs_ = 0;  ///< what to poll for after a step that did nothing
};

}  // namespace lovage::redis
