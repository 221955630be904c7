// Where a RabbitMQ is, from the addresses that the settings name.
#pragma once

#include "config/connection_settings.hpp"

#include <lovage/expected.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lovage::broker::amqp {

/// One broker: `amqp://user:password@host:port/vhost?option=value`. As kombu reads it: no vhost or an empty one is "/",
/// and so is `//`; no user is guest.
struct endpoint {
  std::string host = "localhost";
  std::uint16_t port = 5672;
  std::string user = "guest", password = "guest";
  std::string vhost = "/";
  bool external_login = false;  ///< the client's certificate says who it is
  std::optional<tls_options> tls;

  /// "host:port, vhost /" for error texts.
  [[nodiscard]] std::string text() const;
};

/// What the addresses say together.
struct endpoints {
  std::vector<endpoint> all;  ///< at least one
  std::chrono::milliseconds connect_timeout{}, heartbeat{};
};

/// Options of the query, under RabbitMQ's names and kombu's: `verify`, `cacertfile`, `certfile`, `keyfile`,
/// `server_name_indication`, `auth_mechanism`, `heartbeat` (s), `connection_timeout` (ms); `ssl_cert_reqs`,
/// `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`. They go before the settings'. An unknown one is reported and ignored.
/// *On failure*: `bad_config`.
[[nodiscard]] expected<endpoints> endpoints_of(connection_settings const& settings);

}  // namespace lovage::broker::amqp
