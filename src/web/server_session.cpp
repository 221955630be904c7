#include "web/server_session.hpp"

#include "core/log.hpp"
#include "web/event_queue.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <cctype>
#include <utility>

namespace lovage::web::detail {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

std::string lowered_name(std::string_view name) {
  std::string out{name};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

template <class Text>
std::string std_text(Text const& t) {
  return std::string{t.data(), t.size()};
}

std::string address_of(tcp::socket const& socket) {
  boost::system::error_code failed;
  auto address = socket.remote_endpoint(failed).address();
  if (failed) return {};
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address.to_string();
}

}  // namespace

server_session::server_session(tcp::socket socket, std::shared_ptr<server_shared> shared)
    : stream_{std::move(socket)}, shared_{std::move(shared)}, heartbeat_{stream_.get_executor()} {
  peer_ = address_of(stream_.socket());
  ++shared_->connections;
}

server_session::~server_session() { --shared_->connections; }

void server_session::read() {
  parser_.emplace();
  parser_->header_limit(shared_->limits.header_bytes);
  parser_->body_limit(shared_->limits.body_bytes);
  if (buffer_.size() > 0) return read_request();
  stream_.expires_after(shared_->limits.idle_time);
  stream_.async_read_some(buffer_.prepare(4096), [self = shared_from_this()](error_code failed, std::size_t n) {
    if (failed) return;  // it went away, or has nothing to ask
    self->buffer_.commit(n);
    self->read_request();
  });
}

void server_session::read_request() {
  stream_.expires_after(shared_->limits.request_time);
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](error_code failed, std::size_t) { self->got_request(failed); });
}

void server_session::got_request(error_code failed) {
  if (failed) return refuse(failed);
  auto r = taken();
  stream_.expires_never();
  bool waits = true;
  try {
    waits = shared_->what.waits(r);
  } catch (std::exception const& e) {
    log::error(std::string{"web: "} + e.what());
  }
  if (waits) return answer_in_pool(std::move(r));
  write(answered(std::move(r)));
}

request server_session::taken() {
  auto message = parser_->release();
  request out;
  out.method = std_text(message.method_string());
  auto const target = std_text(message.target());
  auto const question = target.find('?');
  out.raw_path = target.substr(0, question);
  out.path = percent_decoded(out.raw_path);
  if (question != std::string::npos) out.query = decode_form(std::string_view{target}.substr(question + 1));
  for (auto const& field : message)
    out.headers.add(lowered_name({field.name_string().data(), field.name_string().size()}), std_text(field.value()));
  out.body = std::move(message.body());
  out.peer = peer_;
  keep_alive_ = message.keep_alive();
  is_head_ = message.method() == http::verb::head;
  return out;
}

void server_session::answer_in_pool(request r) {
  if (shared_->waiting.fetch_add(1) >= shared_->limits.waiting) {
    --shared_->waiting;
    return write(error_response(503, "busy", "too many requests wait for an answer; ask again in a moment"));
  }
  asio::post(shared_->pool, [self = shared_from_this(), r = std::move(r)]() mutable {
    auto out = self->answered(std::move(r));
    --self->shared_->waiting;
    auto const to = self->stream_.get_executor();
    asio::post(to, [self = std::move(self), out = std::move(out)]() mutable { self->write(std::move(out)); });
  });
}

response server_session::answered(request r) const noexcept {
  try {
    return shared_->what.answer(std::move(r));
  } catch (error const& e) {
    return error_response(e.info());
  } catch (std::exception const& e) {
    log::error(std::string{"web: "} + e.what());
    return error_response(500, "internal", "the server failed; its log says how");
  }
}

template <class Message>
void server_session::set_headers(Message& m) const {
  m.set(http::field::content_type, response_.type);
  for (auto const& [name, text] : response_.headers.items()) m.insert(name, text);
}

void server_session::write(response r) {
  response_ = std::move(r);
  if (response_.stream && !is_head_) return begin_stream();
  stream_.expires_after(shared_->limits.write_time);
  is_head_ ? write_head_only() : write_body();
}

void server_session::write_body() {
  auto const& body = response_.shared ? *response_.shared : response_.body;
  out_.emplace(static_cast<http::status>(response_.status), 11);
  set_headers(*out_);
  out_->body() = {body.data(), body.size()};
  bool const bodiless = response_.status == 204 || response_.status == 304;
  if (!bodiless) out_->content_length(body.size());
  out_->keep_alive(keep_alive_);
  http::async_write(stream_, *out_,
                    [self = shared_from_this()](error_code failed, std::size_t) { self->wrote(failed); });
}

void server_session::write_head_only() {
  auto const& body = response_.shared ? *response_.shared : response_.body;
  head_.emplace(static_cast<http::status>(response_.status), 11);
  set_headers(*head_);
  if (!response_.stream) head_->content_length(body.size());
  head_->keep_alive(keep_alive_);
  http::async_write(stream_, *head_,
                    [self = shared_from_this()](error_code failed, std::size_t) { self->wrote(failed); });
}

void server_session::wrote(error_code failed) {
  if (failed) return;
  if (keep_alive_) return read();
  error_code ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

void server_session::refuse(error_code failed) {
  keep_alive_ = false;
  if (failed == http::error::body_limit)
    return write(error_response(413, "too_large",
                                "the body is longer than " + std::to_string(shared_->limits.body_bytes) + " bytes"));
  if (failed == http::error::header_limit) return write(error_response(431, "too_large", "the headers are too long"));
  bool const nonsense = failed.category() == http::make_error_code(http::error::bad_method).category() &&
                        failed != http::error::end_of_stream && failed != http::error::partial_message;
  if (nonsense) write(error_response(400, "bad_request", "no HTTP request"));
}

// Streams end when the connection does: no length, no chunks.
void server_session::begin_stream() {
  head_.emplace(http::status::ok, 11);
  set_headers(*head_);
  head_->keep_alive(false);
  head_writer_.emplace(*head_);
  stream_.expires_after(shared_->limits.write_time);
  writing_ = true;
  http::async_write_header(stream_, *head_writer_, [self = shared_from_this()](error_code failed, std::size_t) {
    self->writing_ = false;
    if (failed) return self->end_stream();
    self->stream_.expires_never();
    self->watch_for_end();
    auto const to = self->stream_.get_executor();
    std::weak_ptr<server_session> const weak = self;
    self->response_.stream->on_push([to, weak, woken = self->woken_] {
      if (woken->exchange(true)) return;  // it will look anyway
      asio::post(to, [weak] {
        if (auto const session = weak.lock()) session->pump();
      });
    });
    self->pump();
  });
}

// A listener says nothing; that it went away shows in what is read.
void server_session::watch_for_end() {
  stream_.async_read_some(asio::buffer(ignored_), [self = shared_from_this()](error_code failed, std::size_t) {
    failed ? self->end_stream() : self->watch_for_end();
  });
}

void server_session::pump() {
  woken_->store(false);
  if (writing_ || ended_) return;
  bool const last = response_.stream->closed();
  piece_ = response_.stream->take();
  if (!piece_.empty()) return write_piece();
  last ? end_stream() : wait_for_heartbeat();
}

void server_session::wait_for_heartbeat() {
  heartbeat_.expires_after(shared_->limits.heartbeat);
  heartbeat_.async_wait([self = shared_from_this()](error_code cancelled) {
    if (cancelled || self->writing_ || self->ended_) return;
    self->piece_ = ": still here\n\n";
    self->write_piece();
  });
}

void server_session::write_piece() {
  heartbeat_.cancel();
  writing_ = true;
  stream_.expires_after(shared_->limits.write_time);
  asio::async_write(stream_, asio::buffer(piece_), [self = shared_from_this()](error_code failed, std::size_t) {
    self->writing_ = false;
    failed ? self->end_stream() : self->pump();
  });
}

void server_session::end_stream() {
  if (std::exchange(ended_, true)) return;
  response_.stream->on_push({});
  response_.stream->close();
  heartbeat_.cancel();
  error_code ignored;
  stream_.socket().close(ignored);
}

}  // namespace lovage::web::detail
