#include "redis/socket.hpp"

#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
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

int milliseconds_left(deadline until) {
  if (until.is_never()) return -1;
  auto const left = std::chrono::ceil<std::chrono::milliseconds>(until.left());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

/// False at the deadline, or when `wake` became readable first.
bool wait_for(int fd, short events, deadline until, int wake = -1) {
  std::array<pollfd, 2> fds{{{fd, events, 0}, {wake, POLLIN, 0}}};
  for (;;) {
    auto const n = ::poll(fds.data(), wake >= 0 ? 2 : 1, milliseconds_left(until));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    return fds[0].revents != 0;
  }
}

error_info system_fault(std::string const& what, int code, std::string const& where) {
  return {errc::unavailable, what + ": " + std::strerror(code), where};
}

expected<io::descriptor> connect_to(sockaddr const* address, socklen_t size, int family, deadline until,
                                    std::string const& where) {
  io::descriptor fd{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (fd.get() < 0) return fail(system_fault("no socket", errno, where));
  if (::connect(fd.get(), address, size) == 0) return fd;
  if (errno != EINPROGRESS) return fail(system_fault("cannot connect to Redis", errno, where));
  if (!wait_for(fd.get(), POLLOUT, until)) return fail(errc::timeout, "Redis did not answer the connection", where);
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

std::string tls_fault() {
  std::array<char, 256> text{};
  auto const code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "the peer broke off";
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

int send_quietly(BIO* to, char const* bytes, int size) {
  BIO_clear_retry_flags(to);
  auto const n = ::send(static_cast<int>(BIO_get_fd(to, nullptr)), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(to);
  return static_cast<int>(n);
}

// OpenSSL's own socket writes with write(2): a peer that has gone would end this program by SIGPIPE.
BIO_METHOD* quiet_socket() {
  auto const* whole = BIO_s_socket();
  auto* out = BIO_meth_new(BIO_TYPE_SOCKET, "socket without SIGPIPE");
  BIO_meth_set_write(out, &send_quietly);
  BIO_meth_set_read(out, BIO_meth_get_read(whole));
  BIO_meth_set_ctrl(out, BIO_meth_get_ctrl(whole));
  BIO_meth_set_create(out, BIO_meth_get_create(whole));
  BIO_meth_set_destroy(out, BIO_meth_get_destroy(whole));
  return out;
}

}  // namespace

struct socket::tls {
  std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), &::SSL_CTX_free};
  std::unique_ptr<BIO_METHOD, decltype(&::BIO_meth_free)> method{quiet_socket(), &::BIO_meth_free};
  std::unique_ptr<SSL, decltype(&::SSL_free)> session{nullptr, &::SSL_free};

  expected<void> set_up(endpoint const& to);
  void attach(int fd) {
    auto* over = BIO_new(method.get());
    BIO_set_fd(over, fd, BIO_NOCLOSE);
    SSL_set_bio(session.get(), over, over);
  }
  /// What SSL_get_error says about `result`: what to poll for, or 0.
  [[nodiscard]] short wants(int result) const {
    switch (SSL_get_error(session.get(), result)) {
      case SSL_ERROR_WANT_READ: return POLLIN;
      case SSL_ERROR_WANT_WRITE: return POLLOUT;
      default: return 0;
    }
  }
};

expected<void> socket::tls::set_up(endpoint const& to) {
  auto const& o = *to.tls;
  auto* c = context.get();
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_verify(c, o.verify_peer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (o.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(c);
  } else if (SSL_CTX_load_verify_locations(c, o.ca_file.c_str(), nullptr) != 1) {
    return fail(errc::bad_config, "cannot read the certificates to trust: " + tls_fault(), o.ca_file);
  }
  if (!o.certificate.empty() && SSL_CTX_use_certificate_chain_file(c, o.certificate.c_str()) != 1)
    return fail(errc::bad_config, "cannot read the client's certificate: " + tls_fault(), o.certificate);
  auto const& key = o.key.empty() ? o.certificate : o.key;
  if (!key.empty() && SSL_CTX_use_PrivateKey_file(c, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(errc::bad_config, "cannot read the client's key: " + tls_fault(), key);
  session.reset(SSL_new(c));
  auto const name = o.server_name.empty() ? to.host : o.server_name;
  SSL_set_tlsext_host_name(session.get(), name.c_str());
  if (!o.verify_peer) return {};
  auto* expectations = SSL_get0_param(session.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(expectations, name.c_str()) != 1)
    X509_VERIFY_PARAM_set1_host(expectations, name.c_str(), name.size());
  return {};
}

socket::socket(io::descriptor fd, std::string where) : fd_{std::move(fd)}, where_{std::move(where)} {}
socket::~socket() = default;

expected<void> socket::start_tls(endpoint const& to, deadline until) {
  tls_ = std::make_unique<tls>();
  if (auto done = tls_->set_up(to); !done) return fail(done.error());
  tls_->attach(fd_.get());
  for (;;) {
    ERR_clear_error();
    auto const result = SSL_connect(tls_->session.get());
    if (result == 1) return {};
    auto const events = tls_->wants(result);
    if (events == 0) {
      auto const verdict = SSL_get_verify_result(tls_->session.get());
      auto const why = verdict == X509_V_OK ? tls_fault() : X509_verify_cert_error_string(verdict);
      return fail(errc::unavailable, "no TLS with Redis: " + why, where_);
    }
    if (!wait_for(fd_.get(), events, until)) return fail(errc::timeout, "Redis did not answer in TLS", where_);
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

expected<void> socket::write(std::string_view bytes, deadline until) {
  while (!bytes.empty()) {
    short events = POLLOUT;
    std::int64_t n = 0;
    if (tls_) {
      ERR_clear_error();
      n = SSL_write(tls_->session.get(), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 30)));
      if (n <= 0) events = tls_->wants(static_cast<int>(n));
      if (n <= 0 && events == 0) return fail(errc::unavailable, "lost Redis: " + tls_fault(), where_);
    } else {
      n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno != EAGAIN) return fail(system_fault("lost Redis", errno, where_));
    }
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (!wait_for(fd_.get(), events, until)) {
      return fail(errc::timeout, "Redis takes nothing any more", where_);
    }
  }
  return {};
}

expected<bool> socket::read(std::string& out, deadline until, int wake) {
  for (;;) {
    short events = POLLIN;
    auto const before = out.size();
    out.resize(before + chunk);
    std::int64_t n = 0;
    if (tls_) {
      ERR_clear_error();
      n = SSL_read(tls_->session.get(), out.data() + before, static_cast<int>(chunk));
      if (n <= 0) events = tls_->wants(static_cast<int>(n));
    } else {
      n = ::recv(fd_.get(), out.data() + before, chunk, 0);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) events = 0;
    }
    auto const code = errno;
    out.resize(before + static_cast<std::size_t>(std::max<std::int64_t>(n, 0)));
    if (n > 0) return true;
    if (events == 0 && (tls_ || n == 0)) return fail(errc::unavailable, "Redis closed the connection", where_);
    if (events == 0) return fail(system_fault("lost Redis", code, where_));
    if (!wait_for(fd_.get(), events, until, wake)) return false;
  }
}

}  // namespace lovage::redis
