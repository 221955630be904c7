#include "health/listener.hpp"

#include <fcntl.h>

#include <chrono>
#include <utility>

namespace lovage::health {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

}  // namespace

expected<void> listener::open(asio::ip::address const& address, std::uint16_t port, int backlog) {
  tcp::endpoint const at{address, port};
  error_code failed;
  acceptor_.open(at.protocol(), failed);
  if (!failed) ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
  if (!failed) acceptor_.set_option(tcp::acceptor::reuse_address{true}, failed);
  if (!failed) acceptor_.bind(at, failed);
  if (!failed) acceptor_.listen(backlog, failed);
  if (failed) return fail(errc::unavailable, failed.message(), address.to_string() + ":" + std::to_string(port));
  bound_ = acceptor_.local_endpoint(failed);
  return {};
}

void listener::accept(std::function<void(tcp::socket)> serve) {
  serve_ = std::move(serve);
  accept_next();
}

void listener::accept_next() {
  acceptor_.async_accept([this](error_code failed, tcp::socket socket) {
    if (failed == asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (failed) return accept_later();  // out of descriptors, as a rule
    ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
    serve_(std::move(socket));
    accept_next();
  });
}

void listener::accept_later() {
  pause_.expires_after(std::chrono::milliseconds{100});
  pause_.async_wait([this](error_code failed) {
    if (!failed) accept_next();
  });
}

void listener::close() {
  error_code ignored;
  acceptor_.close(ignored);
}

std::string listener::url() const {
  auto const host = bound_.address().to_string();
  return "http://" + (bound_.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(bound_.port());
}

}  // namespace lovage::health
