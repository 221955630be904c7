// The life of a relay: its thread, signals, and what it says to probes.
#include <lovage/relay.hpp>

#include "config/url.hpp"
#include "core/log.hpp"
#include "health/server.hpp"
#include "relay/forwarder.hpp"
#include "wire/serializer.hpp"
#include "worker/health_report.hpp"
#include "worker/signal_inbox.hpp"

#include <fmt/format.h>

#include <thread>

namespace lovage {
namespace {

using namespace std::chrono_literals;
using relaying::forwarder;
using relaying::forwarder_state;

// The target's options and certificates are not the source's: what that needs stands in its address.
config settings_of_source(config const& target, std::string const& from) {
  auto out = target;
  out.broker_url(from).broker_read_url(from).broker_write_url(from).broker_transport_options({}).broker_use_ssl(tls{});
  return out;
}

std::string check_source(config const& target, std::string const& from) {
  if (from.empty()) throw error{errc::invalid_argument, "a relay needs a source: the address of a broker"};
  if (from == target.broker_write_url())
    throw error{errc::invalid_argument, "a relay cannot forward to the broker it takes from: " + mask_url(from)};
  return from;
}

health::answer report(bool good, forwarder_state const& s, char const* what) {
  auto const text = wire::to_json(
      value{value::map{{"status", good ? "ok" : what}, {"forwarded", s.forwarded}, {"trouble", s.trouble}}});
  return {good, text.value_or("{}")};
}

std::string page_of(forwarder_state const& s) {
  std::string out;
  auto const add = [&](char const* name, char const* type, char const* help, std::uint64_t n) {
    out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, n);
  };
  add("lovage_relay_forwarded_total", "counter", "Messages that the target has confirmed", s.forwarded);
  add("lovage_relay_refused_total", "counter", "Messages put into the dead set of the source", s.refused);
  add("lovage_relay_failures_total", "counter", "Attempts that failed", s.failures);
  add("lovage_relay_up", "gauge", "Whether messages go through", s.ready && s.trouble.empty() ? 1 : 0);
  return out;
}

}  // namespace

class relay::impl {
 public:
  impl(app& on, relay_options with)
      : with_{std::move(with)},
        target_{on.state()},
        source_{std::make_shared<detail::app_state>(
            settings_of_source(target_->settings, check_source(target_->settings, with_.from_)), target_->now)},
        work_{source_, target_, with_.queues_, with_.batch_} {}

  int run();
  void stop();
  bool wait_ready(deadline until) const;
  std::uint64_t forwarded() const noexcept { return work_.state().forwarded; }
  std::string health_url() const;

 private:
  std::unique_ptr<health::server> listen();
  int wait_for_end(work::signal_inbox& inbox);
  void tell_end();

  relay_options const with_;
  std::shared_ptr<detail::app_state> const target_, source_;
  forwarder work_;

  mutable std::mutex mutex_;  // guards what follows
  work::signal_inbox* inbox_ = nullptr;
  bool asked_ = false, ended_ = false;
  std::string health_url_;
};

int relay::impl::run() {
  work::signal_inbox inbox{with_.handle_signals_};
  auto const health = listen();
  {
    std::lock_guard const lock{mutex_};
    inbox_ = &inbox;
    if (asked_) inbox.post(work::stop_event::asked);
  }
  if (health) health->start();
  log::info("relay: from " + mask_url(with_.from_) + " to " + mask_url(target_->settings.broker_write_url()));
  expected<void> done;
  std::thread thread{[&] {
    done = work_.run();
    tell_end();
  }};
  auto const code = wait_for_end(inbox);
  work_.stop();
  thread.join();
  {
    std::lock_guard const lock{mutex_};
    inbox_ = nullptr;
    health_url_.clear();
  }
  if (!done) throw error{done.error()};
  log::info("relay: " + std::to_string(forwarded()) + " messages were forwarded");
  return code;
}

// As a worker ends; there is nothing to finish beyond the batch that is on its way.
int relay::impl::wait_for_end(work::signal_inbox& inbox) {
  work::stop_state s;
  while (s.phase == work::stop_phase::running)
    if (auto const e = inbox.next(deadline::never())) s = work::step(s, *e);
  std::lock_guard const lock{mutex_};
  if (!ended_) log::warning("relay: what is on its way is finished");
  return work::exit_code(s);
}

void relay::impl::tell_end() {
  std::lock_guard const lock{mutex_};
  ended_ = true;
  if (inbox_) inbox_->post(work::stop_event::asked);
}

void relay::impl::stop() {
  std::lock_guard const lock{mutex_};
  asked_ = true;
  if (inbox_) inbox_->post(work::stop_event::asked);
}

bool relay::impl::wait_ready(deadline until) const {
  for (; !work_.state().ready; std::this_thread::sleep_for(5ms))
    if (until.passed()) return false;
  return true;
}

std::string relay::impl::health_url() const {
  std::lock_guard const lock{mutex_};
  return health_url_;
}

std::unique_ptr<health::server> relay::impl::listen() {
  if (!with_.health_port_) return nullptr;
  auto const port = *with_.health_port_;
  if (port < 0 || port > 65535) throw error{errc::invalid_argument, "the port for health checks is not in 0..65535"};
  health::checks what{[this] {
                        auto const s = work_.state();
                        return report(std::chrono::steady_clock::now() - s.turned < work::stuck_after, s, "stuck");
                      },
                      [this] {
                        auto const s = work_.state();
                        return report(s.ready && s.trouble.empty(), s, "waiting");
                      },
                      [this] { return page_of(work_.state()); }};
  auto made = health::server::listen(with_.health_host_, static_cast<std::uint16_t>(port), std::move(what));
  if (!made) throw error{made.error()};
  log::info("health checks at " + (*made)->url());
  std::lock_guard const lock{mutex_};
  health_url_ = (*made)->url();
  return *std::move(made);
}

relay::relay(app& on, relay_options options) : impl_{std::make_unique<impl>(on, std::move(options))} {}
relay::~relay() = default;
int relay::run() { return impl_->run(); }
void relay::stop() { impl_->stop(); }
bool relay::wait_ready(deadline until) const { return impl_->wait_ready(until); }
std::uint64_t relay::forwarded() const noexcept { return impl_->forwarded(); }
std::string relay::health_url() const { return impl_->health_url(); }

}  // namespace lovage
