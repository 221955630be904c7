// A PostgreSQL of a test program's own: a free port, a directory of its own, gone with the object.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace lovage::testing {

/// Started by the constructor, answering when that returns; killed and waited for by the destructor; dies with the
/// thread that started it in any case. Runs as the user postgres where we are root, whom it refuses. What it confirmed
/// is there again after `kill` and `start`. Throws std::runtime_error with the end of the log when it does not start.
class postgres_server {
 public:
  /// `options` such as "max_connections=20".
  explicit postgres_server(std::vector<std::string> options = {});
  ~postgres_server();
  postgres_server(postgres_server const&) = delete;
  postgres_server& operator=(postgres_server const&) = delete;

  /// "postgresql://postgres@127.0.0.1:port/database"; no password is asked.
  [[nodiscard]] std::string url(std::string const& database = "postgres") const;
  /// An empty database that nobody used before; its URL.
  [[nodiscard]] std::string fresh_database();
  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] std::filesystem::path const& directory() const noexcept { return directory_; }

  /// Falls silent, with all its connections open, and comes back.
  void pause() const;
  void resume() const;
  /// As kill -9 does. `start` brings it back on the same port.
  void kill();
  void start();

 private:
  void initialise() const;
  [[nodiscard]] bool up();
  [[nodiscard]] std::vector<::pid_t> family() const;

  std::filesystem::path const directory_;
  std::vector<std::string> const options_;
  int const port_;
  ::pid_t pid_ = -1;
  int made_ = 0;
};

/// One for the whole program, started at the first call.
[[nodiscard]] postgres_server& shared_postgres();

}  // namespace lovage::testing
