#include "worker/signal_inbox.hpp"

#include "io/polling.hpp"

#include <lovage/error.hpp>

#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace lovage::work {
namespace {

constexpr std::array watched_signals{SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGHUP};

int checked(int fd, char const* what) {
  if (fd < 0) throw error{errc::internal, std::string{what} + ": " + std::strerror(errno)};
  return fd;
}

}  // namespace

signal_inbox::signal_inbox(bool with_signals, bool with_hangup)
    : wake_{checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")} {
  if (!with_signals) return;
  ::sigset_t watched;
  ::sigemptyset(&watched);
  for (int const s : watched_signals)
    if (s != SIGHUP || with_hangup) ::sigaddset(&watched, s);
  ::pthread_sigmask(SIG_BLOCK, &watched, &before_);
  if (auto const* remap = std::getenv("REMAP_SIGTERM"); remap != nullptr && std::string_view{remap} == "SIGQUIT")
    on_term_ = stop_event::quit;
  signals_ = checked(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
}

signal_inbox::~signal_inbox() {
  ::close(wake_);
  if (signals_ < 0) return;
  ::close(signals_);
  // One that came too late for us must not kill the program when it is unblocked. What stays blocked stays pending.
  ::sigset_t ours;
  ::sigemptyset(&ours);
  for (int const s : watched_signals)
    if (::sigismember(&before_, s) == 0) ::sigaddset(&ours, s);
  ::timespec const at_once{};
  while (::sigtimedwait(&ours, nullptr, &at_once) > 0) {
  }
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void signal_inbox::post(stop_event e) {
  {
    std::lock_guard const lock{mutex_};
    posted_.push_back(e);
  }
  std::uint64_t const one = 1;
  [[maybe_unused]] auto const n = ::write(wake_, &one, sizeof one);
}

std::optional<stop_event> signal_inbox::next(deadline until) {
  for (;;) {
    if (auto e = take_posted()) return e;
    if (signals_ >= 0)
      if (auto e = read_signal()) return e;
    std::array<::pollfd, 2> fds{{{wake_, POLLIN, 0}, {signals_, POLLIN, 0}}};
    auto const n = ::poll(fds.data(), fds.size(), io::milliseconds_left(until));
    if (n == 0 && until.passed()) return std::nullopt;
  }
}

void signal_inbox::let_signals_kill() {
  if (signals_ < 0) return;
  struct ::sigaction at_once {};
  at_once.sa_handler = [](int) { ::_exit(1); };
  ::sigset_t those;
  ::sigemptyset(&those);
  for (int const s : {SIGINT, SIGQUIT}) {
    ::sigaction(s, &at_once, nullptr);
    ::sigaddset(&those, s);
  }
  ::pthread_sigmask(SIG_UNBLOCK, &those, nullptr);
}

std::optional<stop_event> signal_inbox::take_posted() {
  std::lock_guard const lock{mutex_};
  if (posted_.empty()) {
    std::uint64_t count = 0;
    [[maybe_unused]] auto const n = ::read(wake_, &count, sizeof count);
    return std::nullopt;
  }
  auto const e = posted_.front();
  posted_.pop_front();
  return e;
}

std::optional<stop_event> signal_inbox::read_signal() const {
  ::signalfd_siginfo info{};
  if (::read(signals_, &info, sizeof info) != sizeof info) return std::nullopt;
  switch (info.ssi_signo) {
    case SIGINT: return stop_event::interrupt;
    case SIGQUIT: return stop_event::quit;
    case SIGUSR1: return stop_event::dump;
    case SIGHUP: return stop_event::hangup;
    default: return on_term_;
  }
}

}  // namespace lovage::work
