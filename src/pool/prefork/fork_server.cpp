// The fork server: this program, started once more, with one thread and the plug-ins loaded.
#include "pool/prefork.hpp"
#include "pool/prefork/child_main.hpp"
#include "pool/prefork/control.hpp"
#include "pool/prefork/process_title.hpp"
#include "pool/prefork/stop_page.hpp"
#include "pool/stack_dump.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace lovage::pool {
namespace {

/// Decisions of the worker, which a terminal or an init system sends to the whole group.
constexpr std::array ignored{SIGINT, SIGTERM, SIGQUIT, SIGHUP};

std::size_t count_threads() {
  auto* const dir = ::opendir("/proc/self/task");
  if (dir == nullptr) return 1;
  std::size_t n = 0;
  while (auto const* entry = ::readdir(dir)) n += entry->d_name[0] != '.' ? 1 : 0;
  ::closedir(dir);
  return n;
}

class server {
 public:
  server(stop_page page, runner run, process_title title)
      : page_{std::move(page)}, run_{std::move(run)}, title_{std::move(title)}, pids_(page_.size(), 0) {}
  [[noreturn]] void serve();

 private:
  [[noreturn]] void leave(int status);
  void prepare_signals();
  void obey();
  void reap();
  void fork_child(std::uint32_t slot);
  [[noreturn]] void become_child(std::uint32_t slot, int fd, int parent);
  void tell(control_message const& what, int passed = -1);
  void kill_all();

  stop_page page_;
  runner run_;
  process_title title_;
  std::vector<pid_t> pids_;  ///< by slot, 0 for none
  std::size_t alive_ = 0;
  bool leaving_ = false;
  io::descriptor signals_;
  std::array<struct sigaction, ignored.size()> before_{};
  sigset_t mask_before_{};
};

void server::leave(int status) {
  kill_all();
  ::_exit(status);  // static objects belong to the worker's program, not to this copy
}

void server::tell(control_message const& what, int passed) {
  while (true) {
    auto const sent = send_control(control_descriptor, what, passed, 0);
    if (sent == control_status::done) return;
    if (sent == control_status::closed) leave(0);
    ::poll(nullptr, 0, 1);  // the worker takes descriptors out as fast as it can
  }
}

void server::kill_all() {
  for (auto const pid : pids_) {
    if (pid > 0) ::kill(pid, SIGKILL);
  }
}

void server::prepare_signals() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  for (std::size_t i = 0; i < ignored.size(); ++i) ::sigaction(ignored[i], &ignore, &before_[i]);
  ::signal(SIGCHLD, SIG_DFL);  // ignored, children would vanish without a status
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &set, &mask_before_);
  signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

void server::serve() {
  prepare_signals();
  std::fflush(nullptr);  // or each child would print what main() left in the buffers
  control_message ready;
  ready.kind = control_kind::ready;
  ready.pid = ::getpid();
  tell(ready);
  while (!leaving_ || alive_ > 0) {
    std::array<pollfd, 2> what{{{.fd = control_descriptor, .events = POLLIN, .revents = 0},
                                {.fd = signals_.get(), .events = POLLIN, .revents = 0}}};
    // Children that have been told to go get two seconds.
    int const n = ::poll(what.data(), what.size(), leaving_ ? 2000 : -1);
    if (n == 0) kill_all();
    if (what[1].revents != 0) reap();
    if (what[0].revents != 0) obey();
  }
  ::_exit(0);
}

void server::obey() {
  control_message order;
  io::descriptor none;
  auto const got = receive_control(control_descriptor, order, none, MSG_DONTWAIT);
  if (got == control_status::blocked) return;
  if (got == control_status::closed) leave(0);
  auto const known = order.slot < pids_.size();
  switch (order.kind) {
    case control_kind::fork:
      if (known && pids_[order.slot] == 0) fork_child(order.slot);
      break;
    case control_kind::kill:
      if (known && pids_[order.slot] == order.pid && order.pid > 0) ::kill(order.pid, order.status);
      break;
    case control_kind::kill_all: kill_all(); [[fallthrough]];
    case control_kind::quit: leaving_ = true; break;
    default: break;
  }
}

void server::reap() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) > 0) {
  }
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    for (std::uint32_t slot = 0; slot < pids_.size(); ++slot) {
      if (pids_[slot] != pid) continue;
      pids_[slot] = 0;
      --alive_;
      control_message died;
      died.kind = control_kind::died;
      died.slot = slot;
      died.pid = pid;
      died.status = status;
      tell(died);
    }
  }
}

void server::fork_child(std::uint32_t slot) {
  control_message answer;
  answer.slot = slot;
  answer.kind = control_kind::no_child;
  int ends[2] = {-1, -1};
  bool const paired = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0;
  io::descriptor ours{ends[0]}, theirs{ends[1]};
  auto const parent = ::getpid();
  auto const pid = paired ? ::fork() : -1;
  if (pid == 0) {
    ours.reset();
    become_child(slot, theirs.get(), parent);
  }
  if (pid < 0) {
    answer.status = errno;
    return tell(answer);
  }
  pids_[slot] = pid;
  ++alive_;
  answer.kind = control_kind::forked;
  answer.pid = pid;
  tell(answer, ours.get());
}

void server::become_child(std::uint32_t slot, int fd, int parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it died before prctl could tell us
  ::prctl(PR_SET_NAME, "lovage-child");
  ::close(control_descriptor);
  signals_.reset();
  // As main() left them: a program may ignore SIGPIPE or have a crash handler. Ctrl-C is for the worker.
  for (std::size_t i = 0; i < ignored.size(); ++i) {
    if (ignored[i] != SIGINT) ::sigaction(ignored[i], &before_[i], nullptr);
  }
  ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  install_stack_dump(title_);
  serve_jobs(fd, page_[slot], run_, {title_, "ForkPoolWorker-" + std::to_string(slot + 1)});
  std::fflush(nullptr);
  ::_exit(0);
}

[[noreturn]] void refuse(std::string const& why) {
  control_message problem;
  problem.kind = control_kind::problem;
  problem.set_text(why);
  send_control(control_descriptor, problem, -1, 0);
  ::_exit(70);
}

}  // namespace

bool is_fork_server() noexcept { return std::getenv(fork_server_variable) != nullptr; }

void serve_forks(runner run) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // if the worker is gone already, the socket says so
  ::prctl(PR_SET_NAME, "lovage-forks");
  auto title = process_title::claim();
  ::unsetenv(fork_server_variable);  // subprocesses of tasks are programs of their own
  ::fcntl(control_descriptor, F_SETFD, FD_CLOEXEC);
  ::fcntl(control_descriptor + 1, F_SETFD, FD_CLOEXEC);
  if (int const null = ::open("/dev/null", O_RDONLY | O_CLOEXEC); null >= 0) {
    ::dup2(null, STDIN_FILENO);
    ::close(null);
  }
  auto const threads = count_threads();
  if (threads != 1) refuse(std::to_string(threads) + " threads before worker::run(); start them later");
  auto page = stop_page::open(control_descriptor + 1);
  if (!page) refuse(page.error().text());
  title.show("ForkServer", {});
  server{std::move(*page), std::move(run), std::move(title)}.serve();
}

}  // namespace lovage::pool
