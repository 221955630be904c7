#include "broker/amqp/session.hpp"

#include "core/log.hpp"
#include "io/link.hpp"
#include "io/polling.hpp"

#include <sys/eventfd.h>

#include <random>

namespace lovage::broker::amqp {
namespace {

using namespace std::chrono_literals;
using phase = io::link::phase;

// A server that is alive yet does not answer: electing leaders, or under a heavy load.
constexpr auto answer_limit = 30s;
// A connection that breaks sooner did not really run: then wait before the next.
constexpr auto ran_after = 1s;
constexpr auto goodbye_limit = 1s;

io::link make_link(endpoints const& to, failover strategy) {
  io::link::policy how;
  how.addresses = to.all.size();
  how.shuffle = strategy == failover::shuffle;
  auto dice = std::make_shared<std::minstd_rand>(std::random_device{}());
  return {how, steady::now(), [dice] { return std::generate_canonical<double, 32>(*dice); }};
}

}  // namespace

session::session(endpoints to, failover strategy, std::string name, tenant& lodger)
    : to_{std::move(to)},
      strategy_{strategy},
      name_{std::move(name)},
      tenant_{lodger},
      wake_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
      stop_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}

void session::start() {
  std::lock_guard const lock{joining_};
  if (thread_.joinable() || stopping_) return;
  io::signal_free const none;
  thread_ = std::thread{[this] { run(); }};
}

void session::stop() {
  stopping_ = true;
  (void)::eventfd_write(stop_.get(), 1);
  (void)::eventfd_write(wake_.get(), 1);
  std::lock_guard const lock{joining_};
  if (thread_.joinable()) thread_.join();
}

void session::wake() noexcept {
  if (!signalled_.exchange(true)) (void)::eventfd_write(wake_.get(), 1);
}

bool session::running() const noexcept {
  if (!running_) return false;
  if (to_.heartbeat == 0ms) return true;
  return steady::now().time_since_epoch() - steady::duration{heard_.load()} <= to_.heartbeat + 500ms;
}

void session::run() {
  auto link = make_link(to_, strategy_);
  while (!stopping_) {
    if (!link.due(steady::now())) {
      wait_until(link.due_at());
      continue;
    }
    address_ = link.address();
    auto began = steady::time_point::max();
    if (auto up = connect(); up) {
      link.connected();
      running_ = true;
      if (auto ready = tenant_.set_up(*this); ready && !broken()) {
        began = steady::now();
        live();
      } else if (!ready && !broken()) {
        say_goodbye();
        fault_ = ready.error();
      }
    } else {
      fault_ = up.error();
    }
    running_ = false;
    stream_.reset();
    bool const ran = began != steady::time_point::max() && steady::now() - began >= ran_after;
    if (ran) link.ready();
    link.lost(steady::now());
    auto why = fault_.value_or(error_info{errc::closed, "the connection was closed", {}});
    if (why.where.empty()) why.where = peer().text();
    if (!stopping_) report(why, ran);
    tenant_.on_lost(why);
  }
  tenant_.on_lost({errc::closed, "the connection was closed", {}});
}

void session::live() {
  if (std::exchange(in_trouble_, false)) log::info("RabbitMQ at " + peer().text() + " answers (" + name_ + ")");
  while (!stopping_ && !broken()) {
    auto const next = tenant_.turn(*this);
    if (!broken()) pump(deadline::at(next));
  }
  if (!broken()) tenant_.on_closing(*this);
  if (!broken()) say_goodbye();
}

void session::report(error_info const& why, bool ran) {
  if (ran) last_report_.clear();
  auto text = why.text();
  if (text == last_report_ && reported_++ % 100 != 0) return;
  auto const level = why.code == errc::bad_config ? log::level::error : log::level::warning;
  log::write(level, text + "; " + name_ + (ran ? " connects again" : " keeps trying"));
  if (text != last_report_) reported_ = 1;
  last_report_ = std::move(text);
  in_trouble_ = true;
}

void session::wait_until(steady::time_point until) { (void)io::wait_for(stop_.get(), POLLIN, deadline::at(until), -1); }

void session::abandon(error_info why) {
  if (!fault_) fault_ = std::move(why);
}

void session::say_goodbye() {
  running_ = false;
  amqp_connection_close_t bye{};
  bye.reply_code = AMQP_REPLY_SUCCESS;
  bye.reply_text = borrow("closed by lovage");
  send(0, AMQP_CONNECTION_CLOSE_METHOD, &bye);
  (void)await(0, AMQP_CONNECTION_CLOSE_OK_METHOD, deadline::in(goodbye_limit));
}

void session::send(std::uint16_t channel, amqp_method_number_t id, void const* decoded) {
  if (auto ok = out_.method(channel, id, decoded); !ok) abandon(ok.error());
}

reply session::call(std::uint16_t channel, amqp_method_number_t id, void const* decoded, amqp_method_number_t answer) {
  if (auto ok = out_.method(channel, id, decoded); !ok) return {AMQP_PRECONDITION_FAILED, ok.error().text()};
  return await(channel, answer, deadline::in(answer_limit).sooner(calls_until_));
}

bool session::wait(std::function<bool()> const& done, deadline until) {
  while (!done()) {
    if (broken() || stopping_ || until.passed()) return false;
    pump(until);
  }
  return true;
}

reply session::open_channel(std::uint16_t channel) {
  amqp_channel_open_t open{};
  return call(channel, AMQP_CHANNEL_OPEN_METHOD, &open, AMQP_CHANNEL_OPEN_OK_METHOD);
}

reply session::await(std::uint16_t channel, amqp_method_number_t id, deadline until) {
  awaited one{channel, id, false, {}};
  auto* const outer = std::exchange(awaited_, &one);
  // Goodbyes are waited for though we are stopping; nothing else is.
  bool const last = id == AMQP_CONNECTION_CLOSE_OK_METHOD;
  while (!one.done && !broken() && (last || !stopping_)) {
    if (until.passed()) {
      abandon({errc::timeout, "RabbitMQ did not answer in time", {}});
    } else {
      pump(until);
    }
  }
  awaited_ = outer;
  if (one.done) return std::move(one.got);
  return {reply::lost, fault_ ? fault_->detail : "the connection was closed"};
}

void session::flush() {
  while (!broken() && !out_.pending().empty()) {
    auto const n = stream_->write(out_.pending());
    if (!n) return abandon(n.error());
    if (*n == 0) return;
    out_.sent(*n);
    written_ = steady::now();
  }
}

// Waits for the server, a wake or the time, and handles what came.
void session::pump(deadline until) {
  flush();
  if (broken()) return;
  auto const now = steady::now();
  auto const heard = steady::time_point{steady::duration{heard_.load()}};
  if (heartbeat_ > 0ms) until = until.sooner(deadline::at(std::min(written_ + heartbeat_ / 2, heard + heartbeat_)));
  auto const to_write = out_.pending().empty() ? short{0} : stream_->write_needs();
  std::array<pollfd, 2> fds{
      {{stream_->fd(), static_cast<short>(POLLIN | stream_->read_needs() | to_write), 0}, {wake_.get(), POLLIN, 0}}};
  auto const n = ::poll(fds.data(), fds.size(), more_to_read_ ? 0 : io::milliseconds_left(until));
  if (n > 0 && fds[1].revents != 0) {
    eventfd_t count = 0;
    (void)::eventfd_read(wake_.get(), &count);
    signalled_ = false;
  }
  if (more_to_read_ || (n > 0 && fds[0].revents != 0)) read_some();
  if (broken() || heartbeat_ == 0ms) return;
  auto const after = steady::now();
  // Only what was silent while we listened is silent: this process may have been stopped itself.
  bool const listened = after - now < heartbeat_;
  if (listened && after - steady::time_point{steady::duration{heard_.load()}} > heartbeat_)
    return abandon(
        {errc::unavailable, "RabbitMQ has been silent for " + std::to_string(heartbeat_.count()) + " ms", {}});
  if (after - written_ >= heartbeat_ / 2 && out_.pending().empty()) out_.heartbeat();
}

void session::read_some() {
  constexpr std::size_t enough = 1U << 20;
  more_to_read_ = false;
  for (std::size_t got = 0; !broken();) {
    auto const n = stream_->read(in_.room());
    if (!n) return abandon(n.error());
    if (*n == 0) return;
    heard_ = steady::now().time_since_epoch().count();
    in_.arrived(*n);
    while (!broken()) {
      auto f = in_.next();
      if (!f) return abandon(f.error());
      if (!*f) break;
      dispatch(**f);
    }
    if ((got += *n) >= enough) {
      more_to_read_ = true;
      return;
    }
  }
}

}  // namespace lovage::broker::amqp
