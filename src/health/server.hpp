// Liveness and readiness over HTTP, for whatever starts and stops workers: GET or HEAD of /healthz and /readyz; and
// /metrics for Prometheus.
#pragma once

#include <lovage/expected.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace lovage::health {

struct answer {
  bool good = false;  ///< 200 or 503
  std::string json;
};

/// Called in the server's thread for each request; must not wait.
struct checks {
  std::function<answer()> alive, ready;
  std::function<std::string()> metrics = {};  ///< in Prometheus' text format; none: there is no such page
};

/// What a client may do to us.
struct bounds {
  std::chrono::milliseconds per_connection{5'000};  ///< from accepting to the end of the answer
  std::size_t connections = 32;                     ///< one more ends the oldest
  std::uint32_t header_bytes = 4'096;
};

/// One answer a connection, then it is closed: a probe that hangs, sends nonsense or comes in crowds costs a few
/// descriptors for a few seconds.
///
///     auto server = health::server::listen("127.0.0.1", 8080, {alive, ready});
///     (*server)->start();
///
/// *Threads*: `start` and `stop` from one. `stop` may come first and may come twice.
class server {
 public:
  /// Listens, and answers nobody yet; no thread is started. `port` 0: any that is free. Errors: `invalid_argument` (no
  /// address), `unavailable` (in use, not permitted).
  [[nodiscard]] static expected<std::unique_ptr<server>> listen(std::string const& host, std::uint16_t port,
                                                                checks what, bounds limits = {});
  ~server();
  server(server const&) = delete;
  server& operator=(server const&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept;
  /// "http://127.0.0.1:8080"
  [[nodiscard]] std::string url() const;
  void start();
  void stop();

 private:
  class impl;
  explicit server(std::unique_ptr<impl> with);
  std::unique_ptr<impl> impl_;
};

}  // namespace lovage::health
