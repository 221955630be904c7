#include "health/server.hpp"

#include "core/log.hpp"
#include "health/listener.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <list>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace lovage::health {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;
using response = http::response<http::string_body>;

response reply(http::status status, std::string body) {
  response out{status, 11};
  out.set(http::field::content_type, "application/json");
  out.set(http::field::cache_control, "no-store");
  out.keep_alive(false);
  out.body() = std::move(body);
  out.prepare_payload();
  return out;
}

response reply_of(std::function<answer()> const& check) {
  auto said = check();
  return reply(said.good ? http::status::ok : http::status::service_unavailable, std::move(said.json));
}

response page_of(std::function<std::string()> const& metrics) {
  auto out = reply(http::status::ok, metrics());
  out.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
  return out;
}

response answer_to(http::request<http::empty_body> const& asked, checks const& what) {
  if (asked.method() != http::verb::get && asked.method() != http::verb::head) {
    auto out = reply(http::status::method_not_allowed, R"({"error": "only GET and HEAD"})");
    out.set(http::field::allow, "GET, HEAD");
    return out;
  }
  std::string_view const target{asked.target().data(), asked.target().size()};
  auto const path = target.substr(0, target.find('?'));
  if (path == "/healthz") return reply_of(what.alive);
  if (path == "/readyz") return reply_of(what.ready);
  if (path == "/metrics" && what.metrics) return page_of(what.metrics);
  return reply(http::status::not_found, R"({"error": "there are /healthz, /readyz and /metrics"})");
}

/// One connection: read a head, answer, close.
class session : public std::enable_shared_from_this<session> {
 public:
  session(tcp::socket socket, checks const& what, bounds const& limits, std::function<void()> on_end)
      : stream_{std::move(socket)}, what_{what}, on_end_{std::move(on_end)} {
    parser_.header_limit(limits.header_bytes);
    parser_.body_limit(0);
    stream_.expires_after(limits.per_connection);
  }
  ~session() { on_end_(); }

  void read() {
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](error_code failed, std::size_t) { self->answer_request(failed); });
  }
  void close() {
    error_code ignored;
    stream_.socket().close(ignored);
  }

 private:
  void answer_request(error_code failed) {
    bool const nonsense = failed && failed.category() == http::make_error_code(http::error::bad_method).category() &&
                          failed != http::error::end_of_stream && failed != http::error::partial_message;
    if (failed && !nonsense) return;  // it went away, or took too long
    try {
      response_ = failed ? reply(http::status::bad_request, R"({"error": "no HTTP request"})")
                         : answer_to(parser_.get(), what_);
    } catch (std::exception const& e) {
      log::error(std::string{"health: "} + e.what());
      response_ = reply(http::status::internal_server_error, R"({"error": "the check failed"})");
    }
    if (!failed && parser_.get().method() == http::verb::head) response_->body().clear();  // the length stays
    write();
  }
  void write() {
    http::async_write(stream_, *response_, [self = shared_from_this()](error_code, std::size_t) {
      error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  checks const& what_;
  std::function<void()> on_end_;
  beast::flat_static_buffer<8192> buffer_;
  http::request_parser<http::empty_body> parser_;
  std::optional<response> response_;
};

}  // namespace

class server::impl {
 public:
  impl(checks what, bounds limits) : what_{std::move(what)}, limits_{limits} {}
  ~impl() { stop(); }

  expected<void> listen(std::string const& host, std::uint16_t port) {
    error_code failed;
    auto const address = asio::ip::make_address(host, failed);
    if (failed) return fail(errc::invalid_argument, "no IP address to listen on: '" + host + "'", "health host");
    if (auto const open = door_.open(address, port, 64); !open)
      return fail(open.error().code, "cannot listen for health checks: " + open.error().detail, open.error().where);
    return {};
  }
  [[nodiscard]] listener const& door() const { return door_; }

  void start() {
    if (thread_.joinable() || stopped_) return;
    door_.accept([this](tcp::socket socket) { serve(std::move(socket)); });
    thread_ = std::thread{[this] { loop_.run(); }};
  }
  void stop() {
    stopped_ = true;
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  using sessions = std::list<std::weak_ptr<session>>;

  void serve(tcp::socket socket) {
    if (open_.size() >= limits_.connections)
      if (auto const oldest = open_.front().lock()) oldest->close();
    auto const place = open_.emplace(open_.end());
    auto const made =
        std::make_shared<session>(std::move(socket), what_, limits_, [this, place] { open_.erase(place); });
    *place = made;
    made->read();
  }

  checks const what_;
  bounds const limits_;
  sessions open_;  // before the loop, whose end ends the sessions
  asio::io_context loop_{1};
  listener door_{loop_};
  bool stopped_ = false;
  std::thread thread_;
};

expected<std::unique_ptr<server>> server::listen(std::string const& host, std::uint16_t port, checks what,
                                                 bounds limits) {
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

}  // namespace lovage::health
