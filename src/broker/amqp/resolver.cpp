#include "broker/amqp/resolver.hpp"

#include "io/descriptor.hpp"
#include "io/polling.hpp"

#include <netdb.h>
#include <sys/eventfd.h>

#include <csignal>
#include <cstring>
#include <mutex>
#include <thread>

namespace lovage::broker::amqp {
namespace {

/// `flags` such as AI_NUMERICHOST. The code of getaddrinfo.
int look_up(std::string const& host, std::uint16_t port, int flags, std::vector<address>& out) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  auto const code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0) return code;
  for (auto const* a = found; a != nullptr; a = a->ai_next) {
    address one;
    std::memcpy(&one.to, a->ai_addr, a->ai_addrlen);
    one.size = a->ai_addrlen;
    out.push_back(one);
  }
  ::freeaddrinfo(found);
  return 0;
}

}  // namespace

struct resolver::lookup {
  std::string host;
  std::uint16_t port = 0;
  io::descriptor done{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::mutex mutex;  // guards what follows
  int code = 0;
  std::vector<address> found;

  void run() {
    std::vector<address> addresses;
    auto const answer = look_up(host, port, 0, addresses);
    {
      std::lock_guard const lock{mutex};
      code = answer;
      found = std::move(addresses);
    }
    (void)::eventfd_write(done.get(), 1);
  }
};

expected<std::vector<address>> resolver::find(std::string const& host, std::uint16_t port, deadline until, int wake) {
  std::vector<address> numeric;
  if (look_up(host, port, AI_NUMERICHOST, numeric) == 0) return numeric;
  if (!under_way_ || under_way_->host != host || under_way_->port != port) {
    under_way_ = std::make_shared<lookup>();
    under_way_->host = host;
    under_way_->port = port;
    io::signal_free const none;
    std::thread{[job = under_way_] { job->run(); }}.detach();
  }
  if (!io::wait_for(under_way_->done.get(), POLLIN, until, wake)) {
    if (io::is_readable(wake)) return fail(errc::closed, "the connection was closed");
    return fail(errc::timeout, "the name service has not found the broker's host yet", host);
  }
  auto const job = std::exchange(under_way_, nullptr);
  std::lock_guard const lock{job->mutex};
  if (job->code != 0)
    return fail(errc::unavailable, std::string{"cannot find the broker's host: "} + ::gai_strerror(job->code), host);
  return std::move(job->found);
}

}  // namespace lovage::broker::amqp
