// A MariaDB of a test program's own: a free port, a directory of its own, gone with the object.
#pragma once

#include "child.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace lovage::testing {

/// Started by the constructor, which waits until it answers; killed by the destructor; dies with the thread that
/// started it in any case. What it confirmed is there again after `kill` and `start`. Throws std::runtime_error with
/// the end of the log when it does not start.
class mariadb_server {
 public:
  mariadb_server();
  ~mariadb_server();
  mariadb_server(mariadb_server const&) = delete;
  mariadb_server& operator=(mariadb_server const&) = delete;

  /// "mysql://root@127.0.0.1:port/database"; no password is asked.
  [[nodiscard]] std::string url(std::string const& database) const;
  /// An empty database that nobody used before; its URL.
  [[nodiscard]] std::string fresh_database();

  /// Falls silent, with all its connections open, and comes back.
  void pause() const { process_->freeze(); }
  void resume() const {
    if (process_) process_->signal(SIGCONT);
  }
  /// As kill -9 does. `start` brings it back on the same port.
  void kill() { process_.reset(); }
  void start();

 private:
  [[nodiscard]] std::string file(char const* name) const { return (directory_ / name).string(); }
  void initialise() const;

  std::filesystem::path const directory_;
  int const port_;
  std::unique_ptr<child> process_;
  int made_ = 0;
};

/// One for the whole program, started at the first call.
[[nodiscard]] mariadb_server& shared_mariadb();

}  // namespace lovage::testing
