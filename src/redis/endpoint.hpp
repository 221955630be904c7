// Addresses of Redis servers, as URLs and transport options give them.
#pragma once

#include "config/connection_settings.hpp"

#include <lovage/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lovage::redis {

/// One server and who we are there.
struct endpoint {
  std::string host = "localhost";
  std::uint16_t port = 6379;
  std::string path;  ///< of a Unix socket; then host and port mean nothing
  std::string user, password;
  int database = 0;
  std::optional<tls_options> tls;
  /// "host:port" or the path, for messages; no secrets.
  [[nodiscard]] std::string text() const;
};

/// All addresses of one store. With `master_name` they are sentinels, who are asked where the master is; the master
/// then has the credentials, the database and the TLS of `master`.
struct endpoints {
  std::vector<endpoint> servers;
  std::string master_name;
  endpoint master;
};

/// `redis://[user[:password]@]host[:port][/database]`, `rediss://` (TLS), `redis+socket:///path?virtual_host=0`, and
/// `sentinel://host[:26379][/database]` with `master_name` in the options (`sentinel_kwargs` = {"password": ...}).
/// TLS: `with.tls`, overridden by `ssl_cert_reqs`, `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` in the URL's query.
/// Error `bad_config` that names the fix.
[[nodiscard]] expected<endpoints> read_endpoints(connection_settings const& with);

/// The option's text; empty when it is not given. Error `bad_config` when it is no text.
[[nodiscard]] expected<std::string> text_option(value::map const& options, std::string_view name);

}  // namespace lovage::redis
