// One connection of the server: reads requests, writes answers, feeds streams.
#pragma once

#include "web/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>

namespace lovage::web::detail {

/// What all connections share.
struct server_shared {
  service what;
  server_limits limits;
  boost::asio::thread_pool pool;
  std::atomic<std::size_t> waiting{0}, connections{0};
  server_shared(service w, server_limits l) : what{std::move(w)}, limits{l}, pool{l.threads} {}
};

/// *Threads*: all of it in the sockets' thread, but for the handler's call in `answer_in_pool`.
class server_session : public std::enable_shared_from_this<server_session> {
 public:
  server_session(boost::asio::ip::tcp::socket socket, std::shared_ptr<server_shared> shared);
  ~server_session();
  void read();

 private:
  using error_code = boost::system::error_code;
  using span_response = boost::beast::http::response<boost::beast::http::span_body<char const>>;
  using empty_response = boost::beast::http::response<boost::beast::http::empty_body>;

  void read_request();
  void got_request(error_code failed);
  [[nodiscard]] request taken();
  void answer_in_pool(request r);
  [[nodiscard]] response answered(request r) const noexcept;
  void write(response r);
  void write_body();
  void write_head_only();
  void wrote(error_code failed);
  void refuse(error_code failed);
  template <class Message>
  void set_headers(Message& m) const;

  void begin_stream();
  void watch_for_end();
  void pump();
  void wait_for_heartbeat();
  void write_piece();
  void end_stream();

  boost::beast::tcp_stream stream_;
  std::shared_ptr<server_shared> const shared_;
  boost::asio::steady_timer heartbeat_;
  std::string peer_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  response response_;
  std::optional<span_response> out_;
  std::optional<empty_response> head_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::empty_body>> head_writer_;
  bool keep_alive_ = true, is_head_ = false, writing_ = false, ended_ = false;
  std::string piece_;
  std::array<char, 256> ignored_{};
  std::shared_ptr<std::atomic<bool>> woken_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace lovage::web::detail
