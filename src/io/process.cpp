#include "io/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace lovage::io {
namespace {

std::string error_text(int number) { return std::strerror(number); }

std::vector<char*> pointers(std::vector<std::string> const& from) {
  std::vector<char*> out;
  out.reserve(from.size() + 1);
  for (auto const& s : from) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

/// posix_spawn's two option objects, destroyed in any case.
struct spawn_options {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  spawn_options() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::sigdelset(&all, SIGHUP);  // nohup(1) counts for the whole tree
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  spawn_options(spawn_options const&) = delete;
  spawn_options& operator=(spawn_options const&) = delete;
  ~spawn_options() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }
};

}  // namespace

std::string ending::text() const {
  if (WIFEXITED(status)) return "exit status " + std::to_string(WEXITSTATUS(status));
  if (!WIFSIGNALED(status)) return "wait status " + std::to_string(status);
  int const number = WTERMSIG(status);
  auto const* name = ::sigabbrev_np(number);
  return "signal " + std::to_string(number) + (name ? " (SIG" + std::string{name} + ")" : std::string{});
}

bool ending::by_signal(int number) const noexcept { return WIFSIGNALED(status) && WTERMSIG(status) == number; }

expected<process> spawn(program const& what) {
  spawn_options options;
  int const above = 3 + static_cast<int>(what.descriptors.size());
  std::vector<descriptor> copies;  // above every target, so that no dup2 overwrites the source of the next
  int next = 3;
  for (auto const& d : what.descriptors) {
    if (d.to != next++) return fail(errc::invalid_argument, "inherited descriptors count up from 3", what.file);
    copies.emplace_back(::fcntl(d.from, F_DUPFD_CLOEXEC, above));
    if (!copies.back()) return fail(errc::internal, "cannot pass a descriptor on: " + error_text(errno), what.file);
    ::posix_spawn_file_actions_adddup2(&options.actions, copies.back().get(), d.to);
  }
  ::posix_spawn_file_actions_addclosefrom_np(&options.actions, next);
  auto const argv = pointers(what.argv);
  auto const env = pointers(what.env);
  process out;
  int const failed =
      ::posix_spawn(&out.pid_, what.file.c_str(), &options.actions, &options.attributes, argv.data(), env.data());
  if (failed != 0) return fail(errc::internal, "cannot start a program: " + error_text(failed), what.file);
  out.end_.reset(static_cast<int>(::syscall(SYS_pidfd_open, out.pid_, 0)));
  if (!out.end_) {
    int const number = errno;
    out.signal(SIGKILL);
    ::waitpid(out.pid_, nullptr, 0);
    return fail(errc::internal, "cannot open a pidfd (Linux 5.3 or later is needed): " + error_text(number));
  }
  return out;
}

std::optional<ending> process::wait(deadline until) {
  while (pid_ > 0 && !ended_) {
    int status = 0;
    auto const got = ::waitpid(pid_, &status, until.is_never() ? 0 : WNOHANG);
    if (got == pid_) ended_ = ending{status};
    if (got < 0 && errno != EINTR) ended_ = ending{};  // somebody else reaped it: how it ended is lost
    if (got != 0) continue;
    if (until.passed()) return std::nullopt;
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(until.left()).count();
    pollfd p{.fd = end_.get(), .events = POLLIN, .revents = 0};
    ::poll(&p, 1, static_cast<int>(std::min<long long>(left, 60'000)));
  }
  return ended_;
}

void process::signal(int number) noexcept {
  if (running()) ::kill(pid_, number);
}

}  // namespace lovage::io
