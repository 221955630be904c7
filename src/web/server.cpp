#include "web/server.hpp"

#include "core/log.hpp"
#include "web/server_session.hpp"

#include <fcntl.h>

#include <thread>
#include <utility>

namespace lovage::web {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

expected<asio::ip::address> address_of_host(asio::io_context& loop, std::string const& host) {
  error_code failed;
  auto const direct = asio::ip::make_address(host, failed);
  if (!failed) return direct;
  tcp::resolver resolver{loop};
  auto const found = resolver.resolve(host, "", failed);
  if (failed || found.empty())
    return fail(errc::invalid_argument, "no address to listen on: '" + host + "'; name one such as 127.0.0.1",
                "web_host");
  return found.begin()->endpoint().address();
}

}  // namespace

class server::impl {
 public:
  impl(service what, server_limits limits)
      : shared_{std::make_shared<detail::server_shared>(std::move(what), limits)} {}
  ~impl() { stop(); }

  expected<void> listen(std::string const& host, std::uint16_t port) {
    auto const address = address_of_host(loop_, host);
    if (!address) return fail(address.error());
    tcp::endpoint const at{*address, port};
    error_code failed;
    acceptor_.open(at.protocol(), failed);
    if (!failed) ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
    if (!failed) acceptor_.set_option(tcp::acceptor::reuse_address{true}, failed);
    if (!failed) acceptor_.bind(at, failed);
    if (!failed) acceptor_.listen(512, failed);
    if (failed)
      return fail(errc::unavailable, "cannot listen: " + failed.message() + "; choose another port with --port",
                  host + ":" + std::to_string(port));
    bound_ = acceptor_.local_endpoint(failed);
    return {};
  }
  [[nodiscard]] tcp::endpoint bound() const { return bound_; }
  [[nodiscard]] std::size_t connections() const noexcept { return shared_->connections.load(); }

  void start() {
    if (thread_.joinable() || stopped_) return;
    accept();
    thread_ = std::thread{[this] { run(); }};
  }
  void stop() {
    if (std::exchange(stopped_, true)) return;
    asio::post(loop_, [this] {
      error_code ignored;
      acceptor_.close(ignored);
    });
    shared_->pool.join();  // what is being answered is answered
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    for (;;) {
      try {
        loop_.run();
        return;
      } catch (std::exception const& e) {
        log::critical(std::string{"web: "} + e.what());
      }
    }
  }
  void accept() {
    acceptor_.async_accept([this](error_code failed, tcp::socket socket) {
      if (failed == asio::error::operation_aborted || !acceptor_.is_open()) return;
      if (failed) return accept_later();  // out of descriptors, as a rule
      ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
      serve(std::move(socket));
      accept();
    });
  }
  void accept_later() {
    pause_.expires_after(std::chrono::milliseconds{100});
    pause_.async_wait([this](error_code failed) {
      if (!failed) accept();
    });
  }
  void serve(tcp::socket socket) {
    if (shared_->connections.load() >= shared_->limits.connections) return;  // closes it
    error_code ignored;
    socket.set_option(tcp::no_delay{true}, ignored);
    std::make_shared<detail::server_session>(std::move(socket), shared_)->read();
  }

  std::shared_ptr<detail::server_shared> shared_;
  asio::io_context loop_{1};
  tcp::acceptor acceptor_{loop_};
  asio::steady_timer pause_{loop_};
  tcp::endpoint bound_;
  bool stopped_ = false;
  std::thread thread_;
};

expected<std::unique_ptr<server>> server::listen(std::string const& host, std::uint16_t port, service what,
                                                 server_limits limits) {
  auto with = std::make_unique<impl>(std::move(what), limits);
  if (auto ok = with->listen(host, port); !ok) return fail(ok.error());
  return std::unique_ptr<server>{new server{std::move(with)}};
}

server::server(std::unique_ptr<impl> with) : impl_{std::move(with)} {}
server::~server() = default;

std::uint16_t server::port() const noexcept { return impl_->bound().port(); }

std::string server::url() const {
  auto const at = impl_->bound();
  auto const host = at.address().to_string();
  return "http://" + (at.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(at.port());
}

void server::start() { impl_->start(); }
void server::stop() { impl_->stop(); }
std::size_t server::connections() const noexcept { return impl_->connections(); }

}  // namespace lovage::web
