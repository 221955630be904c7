#include "health/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace lovage::health {
namespace {

std::string_view environment(char const* name) {
  auto const* found = std::getenv(name);
  return found ? std::string_view{found} : std::string_view{};
}

std::optional<long long> number(std::string_view text) {
  long long n = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size() || n <= 0) return std::nullopt;
  return n;
}

}  // namespace

service_manager service_manager::from_environment() {
  auto const whose = number(environment("WATCHDOG_PID"));
  auto const span = number(environment("WATCHDOG_USEC"));
  bool const ours = span && (!whose || *whose == ::getpid());
  return {std::string{environment("NOTIFY_SOCKET")},
          ours ? std::optional{std::chrono::microseconds{*span}} : std::nullopt};
}

// Type=notify-reload wants to know since when.
void service_manager::reloading() const {
  std::timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  say("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.tv_sec * 1'000'000LL + now.tv_nsec / 1'000));
}

std::optional<std::chrono::microseconds> service_manager::interval() const {
  if (socket_.empty() || !watchdog_) return std::nullopt;
  return *watchdog_ / 2;
}

void service_manager::say(std::string const& lines) const {
  ::sockaddr_un to{};
  if (socket_.empty() || socket_.size() >= sizeof to.sun_path) return;
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, socket_.data(), socket_.size());
  if (socket_.front() == '@') to.sun_path[0] = '\0';
  auto const fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  auto const size = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + socket_.size());
  (void)::sendto(fd, lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<::sockaddr const*>(&to), size);
  ::close(fd);
}

}  // namespace lovage::health
