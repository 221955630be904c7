// A Redis server of a test's own: free port, own directory, gone with the test.
#pragma once

#include "free_port.hpp"
#include "freeze.hpp"

#include "core/ids.hpp"

#include <lovage/deadline.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace lovage::testing {

/// Started by the constructor, answering when that returns; killed and waited for by the destructor. What it stores is
/// in a log on disk, and there again after `kill` and `start`. *Threads*: it dies with the thread that started it (the
/// kernel's rule for children that must not outlive a test): start it from the test's own.
class redis_server {
 public:
  /// `options` as on redis-server's command line: {"--requirepass", "secret"}.
  explicit redis_server(std::vector<std::string> options = {}) : options_{std::move(options)} {
    std::filesystem::create_directories(directory_);
    start();
  }
  /// A sentinel that watches this master under the name "mymaster" and gives it up after 300 ms.
  [[nodiscard]] static redis_server sentinel_of(redis_server const& master) {
    auto const file = master.directory() / "sentinel.conf";
    std::ofstream{file} << "sentinel monitor mymaster 127.0.0.1 " << master.port() << " 1\n"
                        << "sentinel down-after-milliseconds mymaster 300\n"
                        << "sentinel failover-timeout mymaster 3000\n";
    return {sentinel_tag{}, file};
  }
  ~redis_server() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  redis_server(redis_server const&) = delete;
  redis_server& operator=(redis_server const&) = delete;

  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] std::string url(int database = 0) const {
    return "redis://127.0.0.1:" + std::to_string(port_) + "/" + std::to_string(database);
  }
  [[nodiscard]] std::string socket_path() const { return (directory_ / "redis.sock").string(); }
  [[nodiscard]] std::filesystem::path const& directory() const noexcept { return directory_; }
  [[nodiscard]] ::pid_t pid() const noexcept { return pid_; }

  /// Falls silent: connections stay, nothing is answered.
  void freeze() const { testing::freeze(pid_); }
  void thaw() const { signal(SIGCONT); }
  /// As by `kill -9`.
  void kill() { end(SIGKILL); }
  /// In order.
  void shut_down() { end(SIGTERM); }
  /// Again, on the same port and with what was stored.
  void start();
  void restart() {
    kill();
    start();
  }

 private:
  struct sentinel_tag {};
  redis_server(sentinel_tag, std::filesystem::path file) : file_{std::move(file)} {
    std::filesystem::create_directories(directory_);
    start();
  }
  void signal(int number) const {
    if (pid_ > 0) ::kill(pid_, number);
  }
  void end(int number) {
    if (pid_ <= 0) return;
    signal(number);
    signal(SIGCONT);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
  [[nodiscard]] bool answers() const;
  [[nodiscard]] std::vector<std::string> command() const;

  std::filesystem::path const directory_ =
      std::filesystem::temp_directory_path() / ("lovage-redis-" + random_uuid().str().substr(0, 8));
  std::vector<std::string> const options_;
  std::filesystem::path const file_;  ///< of a sentinel: its configuration
  int const port_ = free_port();
  ::pid_t pid_ = -1;
};

inline std::vector<std::string> redis_server::command() const {
  auto const log = (directory_ / "log").string();
  std::vector<std::string> out{"redis-server"};
  if (!file_.empty()) out.insert(out.end(), {file_, "--sentinel"});
  out.insert(out.end(),
             {"--port", std::to_string(port_), "--bind", "127.0.0.1", "--dir", directory_, "--logfile", log});
  // The log is written before the answer is sent, and the kernel keeps it when the process is killed.
  if (file_.empty())
    out.insert(out.end(), {"--unixsocket", socket_path(), "--save", "", "--appendonly", "yes", "--appendfsync", "no",
                           "--repl-diskless-sync-delay", "0"});
  out.insert(out.end(), options_.begin(), options_.end());
  return out;
}

inline void redis_server::start() {
  auto words = command();
  std::vector<char*> arguments;
  for (auto& w : words) arguments.push_back(w.data());
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int const null = ::open("/dev/null", O_RDWR);
    ::dup2(null, 1);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  for (auto const until = deadline::in(std::chrono::seconds{20}); !answers();) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    if (pid_ < 0 || until.passed())
      throw std::runtime_error{"redis-server does not start; is the package redis-server installed?"};
    ::poll(nullptr, 0, 5);
  }
}

/// An error is an answer too (it wants a password), but for "-LOADING".
inline bool redis_server::answers() const {
  int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  std::string said(64, '\0');
  bool const asked = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                     ::send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6;
  auto const n = asked ? ::recv(fd, said.data(), said.size(), 0) : 0;
  ::close(fd);
  return n > 0 && said.rfind("-LOADING", 0) != 0;
}

}  // namespace lovage::testing
