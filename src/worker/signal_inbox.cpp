#include "worker/signal_inbox.hpp"

#include <lovage/error.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>

namespace lovage::work {
namespace {

int checked(int fd, char const* what) {
  if (fd < 0) throw error{errc::internal, std::string{what} + ": " + std::strerror(errno)};
  return fd;
}

int poll_timeout(deadline until) {
  if (until.is_never()) return -1;
  auto const ms = std::chrono::ceil<std::chrono::milliseconds>(until.left()).count();
  return static_cast<int>(std::min<std::int64_t>(ms, INT_MAX));
}

}  // namespace

signal_inbox::signal_inbox(bool with_signals) : wake_{checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")} {
  if (!with_signals) return;
  ::sigset_t watched;
  ::sigemptyset(&watched);
  for (int const s : {SIGTERM, SIGINT, SIGQUIT, SIGUSR1}) ::sigaddset(&watched, s);
  ::pthread_sigmask(SIG_BLOCK, &watched, &before_);
  signals_ = checked(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
}

signal_inbox::~signal_inbox() {
  ::close(wake_);
  if (signals_ < 0) return;
  while (read_signal()) {  // one that came too late for us must not kill the program when it is unblocked
  }
  ::close(signals_);
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
    auto const n = ::poll(fds.data(), fds.size(), poll_timeout(until));
    if (n == 0 && until.passed()) return std::nullopt;
  }
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
    default: return stop_event::term;
  }
}

}  // namespace lovage::work
