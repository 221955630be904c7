// The scheduler as programs see it.
#include <lovage/beat.hpp>

#include "beat/own_entries.hpp"
#include "beat/scheduler.hpp"
#include "beat/store_choice.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "health/server.hpp"

#include <pthread.h>
#include <csignal>
#include <thread>

namespace lovage {

using namespace std::chrono_literals;

namespace {

constexpr auto open_limit = 10s;
constexpr auto open_again = 2s;
constexpr auto signal_poll = 200ms;

beats::scheduler::options options_of(config const& c) {
  beats::scheduler::options out;
  out.name = anonymous_name() + "-" + random_uuid().str().substr(0, 8);
  out.times.zone = c.timezone();
  out.times.cron_grace = c.beat_cron_starting_deadline();
  if (auto const most = c.beat_max_loop_interval(); most.count() > 0)
    out.poll = std::clamp<std::chrono::milliseconds>(most, 100ms, 3'000ms);
  return out;
}

bool is_away(errc code) { return code == errc::unavailable || code == errc::timeout || code == errc::no_space; }

::sigset_t ending_signals() {
  ::sigset_t out;
  ::sigemptyset(&out);
  ::sigaddset(&out, SIGTERM);
  ::sigaddset(&out, SIGINT);
  return out;
}

}  // namespace

class beat::impl {
 public:
  impl(app& on, beat_options options) : app_{*on.state()}, options_{std::move(options)} {}

  /// What cannot be is told before anything is waited for.
  void prepare() {
    own_ = beats::own_entries(app_).value();
    choice_ = beats::choose_store(app_, options_.store_url_.value_or(std::string{})).value();
    if (!beats::keeps_schedules(choice_->with.connection.urls))
      (void)beats::make_schedule_store(choice_->with, deadline::now()).value();
    if (choice_->why == "beat_schedule_filename")
      log::warning("beat: schedules are kept in " + choice_->shown +
                   ", for schedulers of this machine alone; beat_store_url names a place for several");
    listen();
  }

  void work() {
    auto const store = open();
    if (!store) return;
    if (auto more = beats::cleanup_entry(app_, deadline::in(open_limit))) add(*std::move(more));
    auto const one = std::make_shared<beats::scheduler>(app_, store, std::move(own_), options_of(app_.settings));
    {
      std::lock_guard const lock{mutex_};
      running_ = one;
      if (stopping_) one->stop();
    }
    changed_.notify_all();
    one->run();
  }

  void stop() {
    {
      std::lock_guard const lock{mutex_};
      stopping_ = true;
      if (running_ != nullptr) running_->stop();
    }
    changed_.notify_all();
    if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id()) thread_.join();
  }

  void start() {
    prepare();
    ::sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are the program's, not this thread's
    if (health_) health_->start();
    thread_ = std::thread{[this] {
      try {
        work();
      } catch (std::exception const& e) {
        log::critical(std::string{"beat: "} + e.what());
      }
      stop_answering();
      std::lock_guard const lock{mutex_};
      ended_ = true;
    }};
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  int run();
  bool wait_leading(deadline until) const;
  std::string health_url() const {
    std::lock_guard const lock{mutex_};
    return health_url_;
  }

 private:
  std::shared_ptr<beats::schedule_store> open();
  void listen();
  void stop_answering();
  beats::health_facts facts() const;
  void add(beats::entry e) {
    for (auto const& have : own_)
      if (have.name == e.name) return;
    own_.push_back(std::move(e));
  }
  [[nodiscard]] bool ended() const {
    std::lock_guard const lock{mutex_};
    return ended_;
  }

  detail::app_state& app_;
  beat_options const options_;
  std::vector<beats::entry> own_;
  std::optional<beats::store_choice> choice_;
  std::thread thread_;

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable changed_;
  bool stopping_ = false, ended_ = false;
  std::string health_url_, trouble_;
  std::chrono::steady_clock::time_point turned_ = std::chrono::steady_clock::now();
  std::shared_ptr<beats::scheduler> running_;

  std::unique_ptr<health::server> health_;  // last: it asks the others
};

void beat::impl::listen() {
  auto const& c = app_.settings;
  auto const port = options_.health_port_.value_or(c.beat_health_port());
  if (!port) return;
  if (*port < 0 || *port > 65535) throw error{errc::invalid_argument, "the port for health checks is not in 0..65535"};
  health::checks what{[this] { return beats::liveness(facts()); }, [this] { return beats::readiness(facts()); },
                      [this] { return beats::metrics_page(facts()); }};
  health_ = health::server::listen(options_.health_host_.value_or(c.beat_health_host()),
                                   static_cast<std::uint16_t>(*port), std::move(what))
                .value();
  log::info("health checks at " + health_->url());
  std::lock_guard const lock{mutex_};
  health_url_ = health_->url();
}

void beat::impl::stop_answering() {
  if (health_) health_->stop();
  std::lock_guard const lock{mutex_};
  health_url_.clear();
}

// Before its store is open there is no scheduler to ask.
beats::health_facts beat::impl::facts() const {
  std::lock_guard const lock{mutex_};
  beats::health_facts out;
  if (running_ != nullptr) out = running_->facts();
  if (running_ == nullptr) out.store_trouble = trouble_.empty() ? "it is not open yet" : trouble_;
  if (running_ == nullptr) out.turned = turned_, out.now = std::chrono::steady_clock::now();
  out.stopping = stopping_;
  return out;
}

// A store that is away is waited for, one that cannot be is an error in the log: whoever runs this was told at its
// start.
std::shared_ptr<beats::schedule_store> beat::impl::open() {
  bool told = false;
  for (;;) {
    auto made = beats::make_schedule_store(choice_->with, deadline::in(open_limit));
    if (made) return *std::move(made);
    if (!is_away(made.error().code)) {
      log::critical("beat: " + made.error().text());
      return nullptr;
    }
    if (!told)
      log::error("beat: cannot open the schedule store: " + made.error().text() + "; trying again until it can");
    told = true;
    std::unique_lock lock{mutex_};
    trouble_ = made.error().text();
    turned_ = std::chrono::steady_clock::now();
    if (changed_.wait_for(lock, open_again, [this] { return stopping_; })) return nullptr;
  }
}

int beat::impl::run() {
  if (!options_.handle_signals_) {
    prepare();
    if (health_) health_->start();
    work();
    stop_answering();
    std::lock_guard const lock{mutex_};
    return stopping_ ? 0 : 1;
  }
  auto const ending = ending_signals();
  bool asked = false;
  ::sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &ending, &before);
  try {
    start();
    ::timespec const nap{0, std::chrono::nanoseconds{signal_poll}.count()};
    while (!asked && !ended()) asked = ::sigtimedwait(&ending, nullptr, &nap) > 0;
    {
      std::lock_guard const lock{mutex_};
      asked = asked || stopping_;
    }
    stop();
  } catch (...) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return asked ? 0 : 1;
}

bool beat::impl::wait_leading(deadline until) const {
  std::unique_lock lock{mutex_};
  auto const there = [this] { return running_ != nullptr; };
  if (until.is_never()) {
    changed_.wait(lock, there);
  } else if (!changed_.wait_until(lock, until.when(), there)) {
    return false;
  }
  auto const one = running_;
  lock.unlock();
  return one->wait_leading(until);
}

beat::beat(app& on, beat_options options) : impl_{std::make_unique<impl>(on, std::move(options))} {}
beat::~beat() { impl_->stop(); }
int beat::run() { return impl_->run(); }
void beat::start() { impl_->start(); }
void beat::stop() { impl_->stop(); }
bool beat::wait_leading(deadline until) const { return impl_->wait_leading(until); }
std::string beat::health_url() const { return impl_->health_url(); }

}  // namespace lovage
