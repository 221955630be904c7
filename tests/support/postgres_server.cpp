#include "postgres_server.hpp"

#include "free_port.hpp"
#include "freeze.hpp"
#include "sql/postgres_session.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace lovage::testing {
namespace {

using namespace std::chrono_literals;

constexpr char const* programs = "/usr/lib/postgresql/15/bin/";

std::filesystem::path make_postgres_directory() {
  auto pattern = (std::filesystem::temp_directory_path() / "lovage-postgres-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
  auto const* const owner = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
  if (owner != nullptr && ::chown(pattern.c_str(), owner->pw_uid, owner->pw_gid) != 0)
    throw std::runtime_error{"chown " + pattern};
  return pattern;
}

// The kernel forgets who is to die with whom when the user changes: the order counts.
[[noreturn]] void become(std::vector<std::string> command, ::passwd const* user, std::string const& log,
                         ::pid_t parent) {
  if (user != nullptr) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0) ::_exit(126);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  auto const out = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0644);
  ::dup2(out, 1);
  ::dup2(out, 2);
  std::vector<char*> arguments;
  for (auto& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

::pid_t spawn_as_postgres(std::vector<std::string> const& command, std::string const& log) {
  auto const* const user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
  auto const parent = ::getpid();
  auto const pid = ::fork();
  if (pid == 0) become(command, user, log, parent);
  return pid;
}

std::string log_text(std::filesystem::path const& file) {
  std::ifstream in{file};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

postgres_server::postgres_server(std::vector<std::string> options)
    : directory_{make_postgres_directory()}, options_{std::move(options)}, port_{free_port()} {
  initialise();
  start();
}

postgres_server::~postgres_server() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void postgres_server::initialise() const {
  auto const log = directory_ / "initdb.log";
  auto const pid =
      spawn_as_postgres({std::string{programs} + "initdb", "-D", directory_ / "data", "-U", "postgres", "-A", "trust",
                         "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"},
                        log);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (status != 0) throw std::runtime_error{"initdb (is the package postgresql installed?): " + log_text(log)};
}

void postgres_server::start() {
  std::vector<std::string> command{std::string{programs} + "postgres", "-D", directory_ / "data", "-p",
                                   std::to_string(port_)};
  auto settings = options_;
  settings.insert(settings.begin(), {"listen_addresses=127.0.0.1", "unix_socket_directories=" + directory_.string(),
                                     "fsync=off", "full_page_writes=off", "max_connections=100"});
  for (auto const& s : settings) command.insert(command.end(), {"-c", s});
  auto const log = directory_ / "server.log";
  for (auto const until = deadline::in(60s); !until.passed(); ::poll(nullptr, 0, 20)) {
    if (pid_ < 0) pid_ = spawn_as_postgres(command, log);  // again, while processes of a killed one hold its memory
    if (up()) return;
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    if (pid_ < 0 && log_text(log).find("still in use") == std::string::npos) break;
  }
  throw std::runtime_error{"PostgreSQL did not start: " + log_text(log)};
}

bool postgres_server::up() { return sql::postgres_session::open(url(), 5s).has_value(); }

std::string postgres_server::url(std::string const& database) const {
  return "postgresql://postgres@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

std::string postgres_server::fresh_database() {
  auto const name = "test" + std::to_string(++made_);
  auto const on = sql::postgres_session::open(url(), 20s).value();
  on->script("CREATE DATABASE " + name, 20s).value();
  return url(name);
}

std::vector<::pid_t> postgres_server::family() const {
  std::vector<::pid_t> out{pid_};
  auto const pid = std::to_string(pid_);
  std::ifstream children{"/proc/" + pid + "/task/" + pid + "/children"};
  for (::pid_t child = 0; children >> child;) out.push_back(child);
  return out;
}

void postgres_server::pause() const {
  freeze(pid_);  // first, so that it makes no more
  for (auto const pid : family()) freeze(pid);
}

void postgres_server::resume() const {
  if (pid_ <= 0) return;
  for (auto const pid : family()) ::kill(pid, SIGCONT);
}

// The others would end by themselves once they see that the first has died, and answer until then.
void postgres_server::kill() {
  if (pid_ <= 0) return;
  freeze(pid_);  // first, so that it makes no more
  for (auto const pid : family()) ::kill(pid, SIGKILL);
  ::waitpid(std::exchange(pid_, -1), nullptr, 0);
}

postgres_server& shared_postgres() {
  static auto const one = std::make_unique<postgres_server>();
  return *one;
}

}  // namespace lovage::testing
