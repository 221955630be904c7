#include "worker/gossip_listener.hpp"

#include "app/signature_message.hpp"
#include "core/log.hpp"

#include <unistd.h>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto open_limit = 5s;
constexpr auto look_interval = 1s;

}  // namespace

gossip_listener::gossip_listener(detail::app_state& app, lamport_clock& clock, event_sender& events, std::string node)
    : app_{app}, clock_{clock}, events_{events}, state_{std::move(node), ::getpid()} {}

gossip_listener::~gossip_listener() { stop(); }

void gossip_listener::start(std::function<void()> first, bool listen) {
  if (thread_.joinable() || stopping()) return;
  thread_ = std::thread{[this, first = std::move(first), listen] { run(first, listen); }};
}

void gossip_listener::stop() {
  {
    std::lock_guard const lock{mutex_};
    stop_ = true;
    if (from_) from_->interrupt();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool gossip_listener::stopping() {
  std::lock_guard const lock{mutex_};
  return stop_;
}

void gossip_listener::run(std::function<void()> const& first, bool listen) {
  if (first) first();
  while (listen && !stopping()) {
    try {
      if (!from_ && !open()) continue;
      hear();
    } catch (std::exception const& e) {
      log::error(std::string{"gossip: "} + e.what());
    }
  }
}

// False: not yet, or never where the broker carries no events.
bool gossip_listener::open() {
  auto made = detail::event_receiver::open(app_, "worker.#", deadline::in(open_limit));
  std::unique_lock lock{mutex_};
  if (made) {
    from_ = *std::move(made);
    return true;
  }
  if (made.error().code == errc::not_supported) {
    stop_ = true;
    return false;
  }
  if (auto line = faults_.failed("hear other workers", made.error(), steady_clock::now())) log::warning(*line);
  changed_.wait_for(lock, faults_.wait(), [this] { return stop_; });
  return false;
}

void gossip_listener::hear() {
  auto heard = from_->take(deadline::in(look_interval));
  auto const now = steady_clock::now();
  if (!heard) {
    if (auto line = faults_.failed("hear other workers", heard.error(), now)) log::warning(*line);
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, faults_.wait(), [this] { return stop_; });
    return;
  }
  if (auto line = faults_.works(now)) log::warning(*line);
  gossip_step all;
  for (auto const& e : *heard) {
    if (e.clock) (void)clock_.adjust(*e.clock);
    std::unique_lock lock{mutex_};
    auto step = state_.hear(e, now);
    lock.unlock();
    act(std::move(step));
  }
  std::unique_lock lock{mutex_};
  auto step = state_.look(now);
  lock.unlock();
  act(std::move(step));
}

void gossip_listener::act(gossip_step&& step) {
  for (auto const& line : step.log) log::info(line);
  for (auto& e : step.answers) events_.send(std::move(e));
  if (step.won) apply(*step.won);
}

void gossip_listener::elect(std::string const& id, std::string const& topic, value const& action) {
  gossip_step step;
  {
    std::lock_guard const lock{mutex_};
    step = state_.elect(id, topic, action);
  }
  act(std::move(step));
}

// The winner sends the task that the election was about.
void gossip_listener::apply(value const& action) {
  auto const send = [&]() -> expected<void> {
    auto signature = wire::signature::from_value(action);
    if (!signature) return fail(signature.error());
    auto call = detail::call_of(*std::move(signature), {}, app_.publishing, app_.now());
    if (!call) return fail(call.error());
    auto const message = detail::outgoing_of(*std::move(call));
    if (!message) return fail(message.error());
    auto const producer = app_.producer(app_.operation_deadline());
    if (!producer) return fail(producer.error());
    return (*producer)->publish({&*message, 1}, app_.operation_deadline());
  };
  if (auto const sent = send(); !sent) log::error("the task of an election cannot be sent: " + sent.error().text());
}

}  // namespace lovage::work
