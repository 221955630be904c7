#include "broker/amqp/stream.hpp"

#include "broker/amqp/polling.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
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
  if (!wait_for(fd.get(), POLLOUT, until, wake)) {
    if (is_readable(wake)) return fail(errc::closed, "the connection was closed");
    return fail(errc::timeout, "RabbitMQ's host does not answer");
  }
  int fault = 0;
  socklen_t length = sizeof fault;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &fault, &length);
  if (fault != 0) return refused(fault);
  return fd;
}

std::string tls_fault() {
  std::array<char, 256> text{};
  auto const code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "the peer broke off";
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

expected<void> load_files(SSL_CTX* context, tls_options const& o) {
  if (o.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_locations(context, o.ca_file.c_str(), nullptr) != 1) {
    return fail(errc::bad_config, "cannot read the certificates to trust: " + tls_fault(), o.ca_file);
  }
  if (!o.certificate.empty() && SSL_CTX_use_certificate_chain_file(context, o.certificate.c_str()) != 1)
    return fail(errc::bad_config, "cannot read the client's certificate: " + tls_fault(), o.certificate);
  auto const& key = o.key.empty() ? o.certificate : o.key;
  if (!key.empty() && SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(errc::bad_config, "cannot read the client's key: " + tls_fault(), key);
  return {};
}

}  // namespace

struct stream::tls {
  std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), &::SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&::SSL_free)> session{nullptr, &::SSL_free};

  expected<void> set_up(endpoint const& to) {
    auto const& o = *to.tls;
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(context.get(), o.verify_peer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (auto ok = load_files(context.get(), o); !ok) return ok;
    session.reset(SSL_new(context.get()));
    auto const name = o.server_name.empty() ? to.host : o.server_name;
    SSL_set_tlsext_host_name(session.get(), name.c_str());
    if (!o.verify_peer) return {};
    auto* expectations = SSL_get0_param(session.get());
    if (X509_VERIFY_PARAM_set1_ip_asc(expectations, name.c_str()) != 1)
      X509_VERIFY_PARAM_set1_host(expectations, name.c_str(), name.size());
    return {};
  }
  /// What to poll for after `result`; 0: the stream is over.
  [[nodiscard]] short wants(int result) const {
    switch (SSL_get_error(session.get(), result)) {
      case SSL_ERROR_WANT_READ: return POLLIN;
      case SSL_ERROR_WANT_WRITE: return POLLOUT;
      default: return 0;
    }
  }
};

stream::stream(io::descriptor fd) : fd_{std::move(fd)} {}
stream::~stream() = default;

expected<void> stream::start_tls(endpoint const& to, deadline until, int wake) {
  tls_ = std::make_unique<tls>();
  if (auto ok = tls_->set_up(to); !ok) return ok;
  SSL_set_fd(tls_->session.get(), fd_.get());
  for (;;) {
    ERR_clear_error();
    auto const result = SSL_connect(tls_->session.get());
    if (result == 1) return {};
    auto const events = tls_->wants(result);
    if (events == 0) {
      auto const verdict = SSL_get_verify_result(tls_->session.get());
      auto const why = verdict == X509_V_OK ? tls_fault() : X509_verify_cert_error_string(verdict);
      return fail(errc::unavailable, "no TLS with RabbitMQ: " + why);
    }
    if (wait_for(fd_.get(), events, until, wake)) continue;
    if (is_readable(wake)) return fail(errc::closed, "the connection was closed");
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
  ERR_clear_error();
  auto const n = SSL_read(tls_->session.get(), into.data(), static_cast<int>(into.size()));
  read_needs_ = 0;
  if (n > 0) return static_cast<std::size_t>(n);
  read_needs_ = tls_->wants(n);
  if (read_needs_ == 0) return gone("TLS ended: " + tls_fault());
  return std::size_t{0};
}

expected<std::size_t> stream::write_tls(std::string_view bytes) {
  ERR_clear_error();
  auto const n =
      SSL_write(tls_->session.get(), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20)));
  write_needs_ = POLLOUT;
  if (n > 0) return static_cast<std::size_t>(n);
  write_needs_ = tls_->wants(n);
  if (write_needs_ == 0) return gone("TLS ended: " + tls_fault());
  return std::size_t{0};
}

}  // namespace lovage::broker::amqp
