// Encryption of a connection: `broker_use_ssl`, `redis_backend_use_ssl`.
#pragma once

#include <concepts>
#include <string>
#include <utility>

namespace lovage {

/// Fluent. On, and the peer must show a certificate that the system's authorities, or `ca_certs`, have signed for the
/// host's name.
///
///     config{}.broker_use_ssl(tls{}.ca_certs("/etc/shop/ca.pem").certfile("/etc/shop/me.pem"))
class tls {
 public:
  tls() = default;
  /// `true` is `tls{}`; `false` is no encryption.
  template <std::same_as<bool> B>
  tls(B on) : on_{on} {}

  /// PEM file of the authorities to trust. Unset: the system's.
  tls& ca_certs(std::string v) { return ca_certs_ = std::move(v), *this; }
  /// PEM file of this program's own certificate, with its key unless `keyfile` holds that.
  tls& certfile(std::string v) { return certfile_ = std::move(v), *this; }
  tls& keyfile(std::string v) { return keyfile_ = std::move(v), *this; }
  /// The name that the peer's certificate must bear. Unset: the host of the address.
  tls& server_hostname(std::string v) { return server_hostname_ = std::move(v), *this; }
  /// `false`: whoever answers is believed. For tests.
  tls& verify(bool v) { return verify_ = v, *this; }

  friend bool operator==(tls const&, tls const&) = default;

  bool on_ = true;
  bool verify_ = true;
  std::string ca_certs_, certfile_, keyfile_, server_hostname_;
};

}  // namespace lovage
