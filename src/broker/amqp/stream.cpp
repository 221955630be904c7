#include "broker/amqp/stream.hpp"

#include "io/polling.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cstring>

namespace lovage::broker::amqp {
namespace {

failure gone(std::string const& why) { return fail(errc::unavailable, "lost RabbitMQ: " + why); }

expected<io::descriptor> connect_to(address const& to, deadline until, int wake) {
  io::descriptor fd{::socket(to.to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  auto const refused = [](int code) {
    return fail(errc::unavailable, std::string{"cannot connect to RabbitMQ: "} + std::strerror(code));
  };
  if (!fd) return refused(errno);
  int const on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  if (::connect(fd.get(), reinterpret_cast<sockaddr const*>(&to.to), to.size) == 0) return fd;
  if (errno != EINPROGRESS) return refused(errno);
  if (!io::wait_for(fd.get(), POLLOUT, until, wake)) {
    if (io::is_readable(wake)) return fail(errc::closed, "the connection was closed");
    return fail(errc::timeout, "RabbitMQ's host does not answer");
  }
  int fault = 0;
  socklen_t length = sizeof fault;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &fault, &length);
  if (fault != 0) return refused(fault);
  return fd;
}

}  // namespace

stream::stream(io::descriptor fd) : fd_{std::move(fd)} {}
stream::~stream() = default;

expected<void> stream::start_tls(endpoint const& to, deadline until, int wake) {
  auto made = io::tls_session::make(*to.tls, to.host, fd_.get());
  if (!made) return fail(made.error());
  tls_ = *std::move(made);
  for (;;) {
    auto const done = tls_->shake_hands();
    if (!done) return fail(errc::unavailable, "no TLS with RabbitMQ: " + done.error().detail);
    if (*done) return {};
    if (io::wait_for(fd_.get(), tls_->needs(), until, wake)) continue;
    if (io::is_readable(wake)) return fail(errc::closed, "the connection was closed");
    return fail(errc::timeout, "RabbitMQ does not answer in TLS");
  }
}

expected<std::unique_ptr<stream>> stream::connect(endpoint const& to, resolver& names, deadline until, int wake) {
  auto addresses = names.find(to.host, to.port, until, wake);
  if (!addresses) return fail(addresses.error());
  expected<io::descriptor> fd = fail(errc::unavailable, "the host has no address");
  for (auto const& a : *addresses) {
    // A host that is silent at one address may answer at the next.
    bool const last = &a == &addresses->back();
    fd = connect_to(a, last || until.is_never() ? until : deadline::in(until.left() / 2), wake);
    if (fd || fd.error().code == errc::closed) break;
  }
  if (!fd) return fail(fd.error());
  std::unique_ptr<stream> out{new stream{*std::move(fd)}};
  if (to.tls)
    if (auto done = out->start_tls(to, until, wake); !done) return fail(done.error());
  return out;
}

expected<std::size_t> stream::read(std::span<char> into) {
  if (tls_) return read_tls(into);
  for (;;) {
    auto const n = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (n > 0) return static_cast<std::size_t>(n);
    if (n == 0) return gone("it closed the connection");
    if (errno == EAGAIN) return std::size_t{0};
    if (errno != EINTR) return gone(std::strerror(errno));
  }
}

expected<std::size_t> stream::write(std::string_view bytes) {
  if (tls_) return write_tls(bytes);
  for (;;) {
    auto const n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    write_needs_ = POLLOUT;
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EAGAIN) return std::size_t{0};
    if (errno != EINTR) return gone(std::strerror(errno));
  }
}

expected<std::size_t> stream::read_tls(std::span<char> into) {
  auto const n = tls_->read(into);
  if (!n) return gone(n.error().detail);
  read_needs_ = *n > 0 ? short{0} : tls_->needs();
  return *n;
}

expected<std::size_t> stream::write_tls(std::string_view bytes) {
  auto const n = tls_->write(bytes);
  if (!n) return gone(n.error().detail);
  write_needs_ = *n > 0 ? short{POLLOUT} : tls_->needs();
  return *n;
}

}  // namespace lovage::broker::amqp
