// Bytes to and from a broker, never waiting: TCP, or TLS over it.
#pragma once

#include "broker/amqp/endpoint.hpp"
#include "broker/amqp/resolver.hpp"
#include "io/descriptor.hpp"
#include "io/tls.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lovage::broker::amqp {

/// *Threads*: one at a time, signals blocked in it. After an error it is of no further use.
class stream {
 public:
  /// Errors: `timeout`, `unavailable` (refused, unknown host, certificate not accepted), `bad_config` (files of TLS),
  /// `closed` when `wake` (a descriptor) became readable first.
  [[nodiscard]] static expected<std::unique_ptr<stream>> connect(endpoint const& to, resolver& names, deadline until,
                                                                 int wake);
  ~stream();
  stream(stream const&) = delete;
  stream& operator=(stream const&) = delete;

  /// What is there now; 0 when nothing is. Error `unavailable` when the peer closed.
  [[nodiscard]] expected<std::size_t> read(std::span<char> into);
  /// What the peer takes now; 0 when nothing.
  [[nodiscard]] expected<std::size_t> write(std::string_view bytes);

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// What to poll for, beside POLLIN, before `read` (or `write`) can go on: TLS may need the other direction.
  [[nodiscard]] short read_needs() const noexcept { return read_needs_; }
  [[nodiscard]] short write_needs() const noexcept { return write_needs_; }

 private:
  explicit stream(io::descriptor fd);
  [[nodiscard]] expected<void> start_tls(endpoint const& to, deadline until, int wake);
  [[nodiscard]] expected<std::size_t> read_tls(std::span<char> into);
  [[nodiscard]] expected<std::size_t> write_tls(std::string_view bytes);

  io::descriptor fd_;
  std::unique_ptr<io::tls_session> tls_;
  short read_needs_ = 0, write_needs_ = 0;
};

}  // namespace lovage::broker::amqp
