#include "io/loop.hpp"

#include "core/log.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>

#include <exception>
#include <string>
#include <system_error>

namespace lovage::io {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// The one place where a callback of the program is entered.
template <class Fn, class... A>
void guarded(Fn const& fn, A... a) noexcept {
  try {
    fn(a...);
  } catch (std::exception const& e) {
    log::critical("io: a callback threw: " + std::string{e.what()});
  } catch (...) {
    log::critical("io: a callback threw something that is not a std::exception");
  }
}

}  // namespace

/// `live` is what makes cancel final: a completion that was already queued finds it false and calls nothing.
struct subscription::entry {
  virtual ~entry() = default;
  virtual void end() = 0;
  bool live = true;
};

void subscription::cancel() noexcept {
  auto const what = std::move(what_);
  if (!what || !what->live) return;
  what->live = false;
  try {
    what->end();
  } catch (std::exception const& e) {
    log::critical("io: cannot cancel: " + std::string{e.what()});
  }
}

bool subscription::active() const noexcept { return what_ && what_->live; }

namespace {

struct timer_entry final : subscription::entry, std::enable_shared_from_this<timer_entry> {
  timer_entry(asio::io_context& io, loop::function f) : timer{io}, fn{std::move(f)} {}
  void end() override { timer.cancel(); }
  void arm(std::chrono::steady_clock::duration delay) {
    timer.expires_after(std::max(delay, delay.zero()));
    timer.async_wait([self = shared_from_this()](error_code e) {
      if (e || !self->live) return;
      self->live = false;
      guarded(self->fn);
    });
  }
  asio::steady_timer timer;
  loop::function fn;
};

struct watch_entry final : subscription::entry, std::enable_shared_from_this<watch_entry> {
  watch_entry(asio::io_context& io, int fd, interest w, loop::function f) : stream{io}, fn{std::move(f)} {
    wait = w == interest::readable ? asio::posix::stream_descriptor::wait_read
                                   : asio::posix::stream_descriptor::wait_write;
    // A copy: Asio would refuse a second watch (say, for writing) of one descriptor in the same epoll set.
    int const own = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
      throw std::system_error{errno, std::system_category(), "cannot watch descriptor " + std::to_string(fd)};
    stream.assign(own);
  }
  void end() override { stream.close(); }
  void arm() {
    stream.async_wait(wait, [self = shared_from_this()](error_code e) {
      if (e || !self->live) return;
      guarded(self->fn);
      if (self->live) self->arm();
    });
  }
  asio::posix::stream_descriptor stream;
  asio::posix::stream_descriptor::wait_type wait;
  loop::function fn;
};

struct signal_entry final : subscription::entry, std::enable_shared_from_this<signal_entry> {
  signal_entry(asio::io_context& io, std::function<void(int)> f) : signals{io}, fn{std::move(f)} {}
  void end() override {
    signals.cancel();
    signals.clear();
  }
  void arm() {
    signals.async_wait([self = shared_from_this()](error_code e, int number) {
      if (e || !self->live) return;
      guarded(self->fn, number);
      if (self->live) self->arm();
    });
  }
  asio::signal_set signals;
  std::function<void(int)> fn;
};

}  // namespace

struct loop::impl {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
};

loop::loop() : impl_{std::make_unique<impl>()} {}
loop::~loop() = default;

void loop::run() { impl_->io.run(); }
void loop::poll() { impl_->io.poll(); }
void loop::stop() noexcept { impl_->io.stop(); }
void loop::restart() { impl_->io.restart(); }

void loop::post(function fn) {
  asio::post(impl_->io, [f = std::move(fn)] { guarded(f); });
}

subscription loop::after(std::chrono::steady_clock::duration delay, function fn) {
  auto e = std::make_shared<timer_entry>(impl_->io, std::move(fn));
  e->arm(delay);
  return subscription{std::move(e)};
}

subscription loop::watch(int fd, interest what, function fn) {
  auto e = std::make_shared<watch_entry>(impl_->io, fd, what, std::move(fn));
  e->arm();
  return subscription{std::move(e)};
}

subscription loop::signals(std::initializer_list<int> set, std::function<void(int)> fn) {
  auto e = std::make_shared<signal_entry>(impl_->io, std::move(fn));
  for (int const number : set) e->signals.add(number);
  e->arm();
  return subscription{std::move(e)};
}

}  // namespace lovage::io
