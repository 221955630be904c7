#include <lovage/coroutine.hpp>
#include <lovage/plugin.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

namespace shop {

namespace asio = boost::asio;

inline constexpr lovage::task<int(std::string, int)> greet{"shop.greet", {"host", "port"}};

lovage::awaitable<int> greet_peer(std::string host, int port) {
  auto const executor = co_await asio::this_coro::executor;
  asio::ip::tcp::resolver resolver{executor};
  auto const found = co_await resolver.async_resolve(host, std::to_string(port), asio::use_awaitable);
  asio::ip::tcp::socket peer{executor};
  co_await peer.async_connect(found.begin()->endpoint(), asio::use_awaitable);
  auto const sent = co_await asio::async_write(peer, asio::buffer("hello\n", 6), asio::use_awaitable);
  co_return static_cast<int>(sent);
}

}  // namespace shop

LOVAGE_PLUGIN(lib) {
  lib.define(shop::greet, shop::greet_peer, lovage::limits{}.soft_time_limit(std::chrono::seconds{5}));
}
