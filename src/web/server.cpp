#include "web/server.hpp"

#include "core/log.hpp"
#include "health/listener.hpp"
#include "web/server_session.hpp"

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
    if (auto const open = door_.open(*address, port, 512); !open)
      return fail(open.error().code, "cannot listen: " + open.error().detail + "; choose another port with --port",
                  open.error().where);
    return {};
  }
  [[nodiscard]] health::listener const& door() const { return door_; }
  [[nodiscard]] std::size_t connections() const noexcept { return shared_->connections.load(); }

  void start() {
    if (thread_.joinable() || stopped_) return;
    door_.accept([this](tcp::socket socket) { serve(std::move(socket)); });
    thread_ = std::thread{[this] { run(); }};
  }
  void stop() {
    if (std::exchange(stopped_, true)) return;
    asio::post(loop_, [this] { door_.close(); });
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
  void serve(tcp::socket socket) {
    if (shared_->connections.load() >= shared_->limits.connections) return;  // closes it
    error_code ignored;
    socket.set_option(tcp::no_delay{true}, ignored);
    std::make_shared<detail::server_session>(std::move(socket), shared_)->read();
  }

  std::shared_ptr<detail::server_shared> shared_;
  asio::io_context loop_{1};
  health::listener door_{loop_};
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

std::uint16_t server::port() const noexcept { return impl_->door().port(); }
std::string server::url() const { return impl_->door().url(); }
void server::start() { impl_->start(); }
void server::stop() { impl_->stop(); }
std::size_t server::connections() const noexcept { return impl_->connections(); }

}  // namespace lovage::web
