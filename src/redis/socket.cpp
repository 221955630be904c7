#include "redis/socket.hpp"

#include "io/polling.hpp"

#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace lovage::redis {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t chunk = 64 << 10;

error_info system_fault(std::string const& what, int code, std::string const& where) {
  return {errc::unavailable, what + ": " + std::strerror(code), where};
}

expected<io::descriptor> connect_to(sockaddr const* address, socklen_t size, int family, deadline until,
                                    std::string const& where) {
  io::descriptor fd{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (fd.get() < 0) return fail(system_fault("no socket", errno, where));
  if (::connect(fd.get(), address, size) == 0) return fd;
  if (errno != EINPROGRESS) return fail(system_fault("cannot connect to Redis", errno, where));
  if (!io::wait_for(fd.get(), POLLOUT, until)) return fail(errc::timeout, "Redis did not answer the connection", where);
  int fault = 0;
  socklen_t length = sizeof fault;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &fault, &length);
  if (fault != 0) return fail(system_fault("cannot connect to Redis", fault, where));
  return fd;
}

expected<io::descriptor> connect_unix(endpoint const& to, deadline until) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (to.path.size() >= sizeof address.sun_path)
    return fail(errc::bad_config, "the path of a Unix socket has at most 107 bytes", to.path);
  std::memcpy(address.sun_path, to.path.c_str(), to.path.size() + 1);
  return connect_to(reinterpret_cast<sockaddr const*>(&address), sizeof address, AF_UNIX, until, to.text());
}

expected<io::descriptor> connect_tcp(endpoint const& to, deadline until) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (auto const code = ::getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found); code != 0)
    return fail(errc::unavailable, std::string{"cannot find the host: "} + ::gai_strerror(code), to.text());
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> const owner{found, &::freeaddrinfo};
  expected<io::descriptor> last = fail(errc::unavailable, "the host has no address", to.text());
  for (auto const* a = found; a != nullptr; a = a->ai_next) {
    last = connect_to(a->ai_addr, a->ai_addrlen, a->ai_family, until, to.text());
    if (!last) continue;
    int const on = 1;
    ::setsockopt(last->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(last->get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    break;
  }
  return last;
}

}  // namespace

socket::socket(io::descriptor fd, std::string where) : fd_{std::move(fd)}, where_{std::move(where)} {}
socket::~socket() = default;

expected<void> socket::start_tls(endpoint const& to, deadline until) {
  auto made = io::tls_session::make(*to.tls, to.host, fd_.get());
  if (!made) return fail(made.error());
  tls_ = *std::move(made);
  for (;;) {
    auto const done = tls_->shake_hands();
    if (!done) return fail(errc::unavailable, "no TLS with Redis: " + done.error().detail, where_);
    if (*done) return {};
    if (!io::wait_for(fd_.get(), tls_->needs(), until))
      return fail(errc::timeout, "Redis did not answer in TLS", where_);
  }
}

expected<std::unique_ptr<socket>> socket::connect(endpoint const& to, deadline until) {
  auto fd = to.path.empty() ? connect_tcp(to, until) : connect_unix(to, until);
  if (!fd) return fail(fd.error());
  std::unique_ptr<socket> out{new socket{*std::move(fd), to.text()}};
  if (to.tls)
    if (auto done = out->start_tls(to, until); !done) return fail(done.error());
  return out;
}

bool socket::hung_up() const {
  char one = 0;
  auto const n = ::recv(fd_.get(), &one, 1, MSG_PEEK | MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

// What the peer takes now; 0 when nothing.
expected<std::size_t> socket::put(std::string_view bytes) {
  if (tls_) {
    auto const n = tls_->write(bytes);
    needs_ = tls_->needs();
    if (!n) return fail(errc::unavailable, "lost Redis: " + n.error().detail, where_);
    return *n;
  }
  needs_ = POLLOUT;
  auto const n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n >= 0) return static_cast<std::size_t>(n);
  if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
  return fail(system_fault("lost Redis", errno, where_));
}

expected<std::size_t> socket::get(std::span<char> into) {
  if (tls_) {
    auto const n = tls_->read(into);
    needs_ = tls_->needs();
    if (!n) return fail(errc::unavailable, "Redis closed the connection: " + n.error().detail, where_);
    return *n;
  }
  needs_ = POLLIN;
  auto const n = ::recv(fd_.get(), into.data(), into.size(), 0);
  if (n > 0) return static_cast<std::size_t>(n);
  if (n == 0) return fail(errc::unavailable, "Redis closed the connection", where_);
  if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
  return fail(system_fault("lost Redis", errno, where_));
}

expected<void> socket::write(std::string_view bytes, deadline until) {
  while (!bytes.empty()) {
    auto const n = put(bytes);
    if (!n) return fail(n.error());
    bytes.remove_prefix(*n);
    if (*n == 0 && !io::wait_for(fd_.get(), needs_, until))
      return fail(errc::timeout, "Redis takes nothing any more", where_);
  }
  return {};
}

expected<bool> socket::read(std::string& out, deadline until, int wake) {
  for (;;) {
    auto const before = out.size();
    out.resize(before + chunk);
    auto const n = get({out.data() + before, chunk});
    out.resize(before + n.value_or(0));
    if (!n) return fail(n.error());
    if (*n > 0) return true;
    if (!io::wait_for(fd_.get(), needs_, until, wake)) return false;
  }
}

}  // namespace lovage::redis
