#include "io/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace lovage::io {
namespace {

constexpr std::size_t most_at_once = 1 << 20;

std::string fault() {
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

expected<void> load_files(SSL_CTX* context, tls_options const& o) {
  if (o.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_locations(context, o.ca_file.c_str(), nullptr) != 1) {
    return fail(errc::bad_config, "cannot read the certificates to trust: " + fault(), o.ca_file);
  }
  if (!o.certificate.empty() && SSL_CTX_use_certificate_chain_file(context, o.certificate.c_str()) != 1)
    return fail(errc::bad_config, "cannot read the client's certificate: " + fault(), o.certificate);
  auto const& key = o.key.empty() ? o.certificate : o.key;
  if (!key.empty() && SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(errc::bad_config, "cannot read the client's key: " + fault(), key);
  return {};
}

}  // namespace

struct tls_session::parts {
  std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), &::SSL_CTX_free};
  std::unique_ptr<BIO_METHOD, decltype(&::BIO_meth_free)> method{quiet_socket(), &::BIO_meth_free};
  std::unique_ptr<SSL, decltype(&::SSL_free)> session{nullptr, &::SSL_free};
  short needs = 0;

  expected<void> set_up(tls_options const& o, std::string const& host) {
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(context.get(), o.verify_peer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (auto ok = load_files(context.get(), o); !ok) return ok;
    session.reset(SSL_new(context.get()));
    auto const name = o.server_name.empty() ? host : o.server_name;
    SSL_set_tlsext_host_name(session.get(), name.c_str());
    if (!o.verify_peer) return {};
    auto* expectations = SSL_get0_param(session.get());
    if (X509_VERIFY_PARAM_set1_ip_asc(expectations, name.c_str()) != 1)
      X509_VERIFY_PARAM_set1_host(expectations, name.c_str(), name.size());
    return {};
  }
  void attach(int fd) {
    auto* over = BIO_new(method.get());
    BIO_set_fd(over, fd, BIO_NOCLOSE);
    SSL_set_bio(session.get(), over, over);
  }
  /// Whether it can go on after `result`.
  [[nodiscard]] bool goes_on(int result) {
    switch (SSL_get_error(session.get(), result)) {
      case SSL_ERROR_WANT_READ: return needs = POLLIN, true;
      case SSL_ERROR_WANT_WRITE: return needs = POLLOUT, true;
      default: return needs = 0, false;
    }
  }
  [[nodiscard]] expected<std::size_t> moved(int bytes) {
    if (bytes > 0) return static_cast<std::size_t>(bytes);
    if (goes_on(bytes)) return std::size_t{0};
    return fail(errc::unavailable, "TLS ended: " + fault());
  }
};

tls_session::tls_session(std::unique_ptr<parts> of) : parts_{std::move(of)} {}
tls_session::~tls_session() = default;

expected<std::unique_ptr<tls_session>> tls_session::make(tls_options const& with, std::string const& host, int fd) {
  auto made = std::make_unique<parts>();
  if (auto ok = made->set_up(with, host); !ok) return fail(ok.error());
  made->attach(fd);
  return std::unique_ptr<tls_session>{new tls_session{std::move(made)}};
}

expected<bool> tls_session::shake_hands() {
  ERR_clear_error();
  auto const result = SSL_connect(parts_->session.get());
  if (result == 1) return true;
  if (parts_->goes_on(result)) return false;
  auto const verdict = SSL_get_verify_result(parts_->session.get());
  return fail(errc::unavailable, verdict == X509_V_OK ? fault() : X509_verify_cert_error_string(verdict));
}

expected<std::size_t> tls_session::read(std::span<char> into) {
  ERR_clear_error();
  auto const room = std::min(into.size(), most_at_once);
  return parts_->moved(SSL_read(parts_->session.get(), into.data(), static_cast<int>(room)));
}

expected<std::size_t> tls_session::write(std::string_view bytes) {
  ERR_clear_error();
  auto const size = std::min(bytes.size(), most_at_once);
  return parts_->moved(SSL_write(parts_->session.get(), bytes.data(), static_cast<int>(size)));
}

short tls_session::needs() const noexcept { return parts_->needs; }

}  // namespace lovage::io
