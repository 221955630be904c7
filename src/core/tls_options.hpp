// How a connection is encrypted.
#pragma once

#include <string>

namespace lovage {

/// `broker_use_ssl`, `redis_backend_use_ssl`: empty texts mean: not given.
struct tls_options {
  std::string ca_file;           ///< PEM of the authorities to trust; empty: the system's
  std::string certificate, key;  ///< PEM files of this client
  std::string server_name;       ///< the name that the peer's certificate must bear; empty: the host of the URL
  bool verify_peer = true;
};

}  // namespace lovage
