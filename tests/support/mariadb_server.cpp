#include "mariadb_server.hpp"

#include "free_port.hpp"
#include "sql/open.hpp"

#include <poll.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace lovage::testing {
namespace {

using namespace std::chrono_literals;

std::filesystem::path new_directory() {
  auto pattern = (std::filesystem::temp_directory_path() / "lovage-mariadb-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
  return pattern;
}

// As whoever we are: root has to be said aloud. Temporary files are its own: a server that starts sweeps away those of
// whoever shares the directory.
std::string plain_server(std::string const& directory) {
  return " --no-defaults --user=\"$(id -un)\" --innodb-log-file-size=8M --datadir=" + directory +
         "/data --tmpdir=" + directory + " ";
}

std::string text_of(std::string const& file) {
  std::ifstream in{file};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

mariadb_server::mariadb_server() : directory_{new_directory()}, port_{free_port()} {
  initialise();
  start();
}

mariadb_server::~mariadb_server() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void mariadb_server::initialise() const {
  auto const command = "mariadb-install-db" + plain_server(directory_.string()) +
                       "--auth-root-authentication-method=normal --skip-test-db > " + file("install.log") + " 2>&1";
  if (std::system(command.c_str()) != 0)
    throw std::runtime_error{"mariadb-install-db (is the package mariadb-server installed?): " +
                             text_of(file("install.log"))};
}

void mariadb_server::start() {
  auto const command = "PATH=$PATH:/usr/sbin exec mariadbd" + plain_server(directory_.string()) +
                       "--socket=" + file("socket") + " --pid-file=" + file("pid") +
                       " --port=" + std::to_string(port_) +
                       " --bind-address=127.0.0.1 --skip-name-resolve --innodb-flush-log-at-trx-commit=2"
                       " --innodb-buffer-pool-size=32M >> " +
                       file("server.log") + " 2>&1";
  process_ = std::make_unique<child>(
      std::vector<std::string>{"/usr/bin/setpriv", "--pdeathsig=KILL", "/bin/sh", "-c", command});
  for (auto const until = deadline::in(60s); !until.passed(); ::poll(nullptr, 0, 20))
    if (sql::open(url("mysql"), 5s)) return;
  throw std::runtime_error{"MariaDB did not start: " + text_of(file("server.log"))};
}

std::string mariadb_server::url(std::string const& database) const {
  return "mysql://root@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

std::string mariadb_server::fresh_database() {
  auto const name = "test" + std::to_string(++made_);
  auto const on = sql::open(url("mysql"), 10s).value();
  on->script("CREATE DATABASE " + name + " CHARACTER SET utf8mb4", 10s).value();
  return url(name);
}

mariadb_server& shared_mariadb() {
  static mariadb_server only;
  return only;
}

}  // namespace lovage::testing
