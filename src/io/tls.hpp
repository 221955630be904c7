// TLS over a socket that never waits.
#pragma once

#include "core/tls_options.hpp"

#include <lovage/expected.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lovage::io {

/// The client's end. Each step does what can be done now; where it did nothing, `needs` says what to poll for before
/// the next try. Error texts are reasons, without whose connection it was. *Threads*: one at a time. *Lifetime*: the
/// descriptor outlives it. After an error it is of no further use.
class tls_session {
 public:
  /// Reads the files; sends nothing. The certificate must bear `host`, unless the options name another. Error
  /// `bad_config`, where the file is named.
  [[nodiscard]] static expected<std::unique_ptr<tls_session>> make(tls_options const& with, std::string const& host,
                                                                   int fd);
  ~tls_session();
  tls_session(tls_session const&) = delete;
  tls_session& operator=(tls_session const&) = delete;

  /// True when done. Error `unavailable`: the peer's certificate is not accepted, it does not speak TLS, it broke off.
  [[nodiscard]] expected<bool> shake_hands();
  /// Bytes; 0 when nothing could be done now. Error `unavailable` when the stream is over.
  [[nodiscard]] expected<std::size_t> read(std::span<char> into);
  [[nodiscard]] expected<std::size_t> write(std::string_view bytes);
  /// POLLIN or POLLOUT, of the last step that did nothing.
  [[nodiscard]] short needs() const noexcept;

 private:
  struct parts;
  explicit tls_session(std::unique_ptr<parts> of);
  std::unique_ptr<parts> parts_;
};

}  // namespace lovage::io
