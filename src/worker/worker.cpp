// The life of a worker: pool and consumer up, events until stopped, the shutdown ladder down.
#include <lovage/worker.hpp>

#include "config/url.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "health/server.hpp"
#include "health/service_manager.hpp"
#include "pool/prefork.hpp"
#include "worker/banner.hpp"
#include "worker/connecting.hpp"
#include "worker/consumer.hpp"
#include "worker/control_server.hpp"
#include "worker/control_wiring.hpp"
#include "worker/health_report.hpp"
#include "worker/job_codec.hpp"
#include "worker/metrics.hpp"
#include "worker/plan.hpp"
#include "worker/presence.hpp"
#include "worker/scaling.hpp"
#include "worker/signal_inbox.hpp"

#include <unistd.h>
#include <cstdio>

namespace lovage {

using namespace std::chrono_literals;

namespace {

constexpr auto start_limit = 10s;
constexpr auto control_limit = 5s;
constexpr auto cleanup_interval = 1h;
// When nothing runs any more, a broker or backend that is away gets this long to take what is left.
constexpr auto settle_limit = 5s;

std::unique_ptr<pool::pool> make_pool(pool_kind kind) {
  switch (kind) {
    case pool_kind::threads: return pool::make_threads();
    case pool_kind::solo: return pool::make_solo();
    case pool_kind::coroutine: return pool::make_coroutines();
    default: return pool::make_prefork();
  }
}

}  // namespace

class worker::impl {
 public:
  impl(app& on, worker_options options)
      : app_{*on.state()}, options_{std::move(options)}, plan_{work::make_plan(app_, options_)}, inbox_{} {}

  int run();
  void post(work::stop_event e);
  bool reload_asked() const;
  bool wait_ready(deadline until) const;
  std::string health_url() const;

 private:
  struct inbox_use;
  /// The parts of a running worker.
  struct crew {
    pool::pool& jobs;
    work::consumer& source;
    work::signal_inbox& inbox;
    work::control_server* control;
    work::scaling* scaling;
  };
  void start_pool(pool::pool& jobs, work::consumer& source);
  std::unique_ptr<work::control_server> make_control(pool::pool& jobs, work::consumer& source, work::scaling* scaling,
                                                     work::presence& others);
  work::stop_state connect(crew& with);
  std::optional<int> health_port() const;
  void tell(signal s) const { app_.tasks.internals().hooks().tell(s, {{"hostname", plan_.node}}); }
  std::unique_ptr<health::server> listen(pool::pool const& jobs, work::consumer const& source, work::presence& others);
  work::health_facts facts(pool::pool const& jobs, work::consumer const& source) const;
  work::stop_state after(work::stop_state s, work::stop_event e) const;
  work::stop_state serve(crew& with);
  work::stop_state shut_down(crew& with, work::stop_state s);
  work::stop_state drain(crew& with, work::stop_state s);
  std::chrono::steady_clock::duration say_alive(pool::pool const& jobs, work::consumer const& source);
  void kill(crew& with);
  void clean_results();
  void save_state(work::consumer const& source) const;
  void set_ready(bool ready);
  void beat(std::string trouble);

  detail::app_state& app_;
  worker_options const options_;
  health::service_manager const manager_ = health::service_manager::from_environment();
  std::chrono::steady_clock::time_point said_alive_{};
  work::worker_plan const plan_;
  lamport_clock clock_;
  work::metrics counted_;

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable ready_changed_;
  bool ready_ = false, stopping_ = false, reload_ = false;
  std::string health_url_, trouble_;
  std::chrono::steady_clock::time_point beat_ = std::chrono::steady_clock::now();
  work::signal_inbox* inbox_;
  std::vector<work::stop_event> early_;  ///< stop came before run
};

/// While it lives, `stop` reaches the inbox.
struct worker::impl::inbox_use {
  inbox_use(impl& of, work::signal_inbox& inbox) : of_{of} {
    std::lock_guard const lock{of_.mutex_};
    of_.inbox_ = &inbox;
    for (auto const e : of_.early_) inbox.post(e);
  }
  ~inbox_use() {
    std::lock_guard const lock{of_.mutex_};
    of_.inbox_ = nullptr;
    of_.health_url_.clear();
  }
  inbox_use(inbox_use const&) = delete;
  inbox_use& operator=(inbox_use const&) = delete;
  impl& of_;
};

int worker::impl::run() {
  auto const& tasks = app_.tasks.internals();
  if (pool::is_fork_server()) pool::serve_forks(work::make_runner(tasks, {}));
  tell(signal::worker_init);
  auto jobs = make_pool(plan_.kind);
  work::check_hard_limits(app_, *jobs);
  work::signal_inbox inbox{options_.handle_signals_, options_.on_hangup_ != nullptr};
  work::presence others{app_, plan_, options_, clock_};
  auto policy = work::make_policy(app_, plan_, *jobs);
  auto with = work::make_consumer_options(app_, plan_);
  others.connect(policy, with);
  policy.observe = work::make_observer(app_.tasks.internals().hooks(), plan_.node, health_port() ? &counted_ : nullptr);
  work::consumer source{std::move(policy), *jobs, std::move(with)};
  work::presence::use const among_others{others, source};
  inbox_use const in_use{*this, inbox};
  auto const health = listen(*jobs, source, others);
  if (options_.banner_) std::fputs(work::banner(work::banner_of(app_, plan_, *jobs, health_url())).c_str(), stderr);
  start_pool(*jobs, source);
  if (health) health->start();  // a thread: after the fork server's start
  std::optional<work::scaling> scaling;
  if (plan_.autoscale) scaling.emplace(plan_, *jobs, source);
  auto const control = make_control(*jobs, source, scaling ? &*scaling : nullptr, others);
  crew running{*jobs, source, inbox, control.get(), scaling ? &*scaling : nullptr};
  auto s = connect(running);
  if (s.phase == work::stop_phase::running) {
    others.start();
    s = serve(running);
  }
  return exit_code(shut_down(running, s));
}

// Tasks run without it; a mailbox that cannot be had at once is tried for again.
std::unique_ptr<work::control_server> worker::impl::make_control(pool::pool& jobs, work::consumer& source,
                                                                 work::scaling* scaling, work::presence& others) {
  if (!app_.settings.worker_enable_remote_control()) return nullptr;
  auto stop = [this] { post(work::stop_event::asked); };
  auto node =
      work::make_node(app_, plan_, jobs, source, scaling ? &scaling->scaler() : nullptr, clock_, std::move(stop));
  work::wire_presence(node.parts, others);
  return std::make_unique<work::control_server>(std::move(node));
}

void worker::impl::start_pool(pool::pool& jobs, work::consumer& source) {
  bool const in_process = plan_.kind != pool_kind::prefork;
  auto on_start = [&source](std::uint64_t job) { source.on_started(job); };
  auto on_events = [&source, in_process](std::vector<pool::event>&& events) {
    if (!in_process)
      for (auto const& e : events)
        if (e.kind == pool::event_kind::started) source.on_started(e.id);
    source.on_events(std::move(events));
  };
  auto const& tasks = app_.tasks.internals();
  auto with = work::make_pool_options(app_, plan_);
  with.run = work::make_runner(tasks, in_process ? on_start : std::function<void(std::uint64_t)>{});
  with.open = work::make_opener(tasks, on_start);
  with.on_events = on_events;
  jobs.start(std::move(with)).value();
}

// Until broker and backend are there, or until it is told to stop.
work::stop_state worker::impl::connect(crew& with) {
  auto const& c = app_.settings;
  bool const again = c.broker_connection_retry_on_startup();
  work::connect_schedule schedule{c.broker_connection_max_retries()};
  work::stop_state s;
  for (;;) {
    auto attempt = work::connect(app_, plan_.of_consumer(), deadline::in(start_limit));
    if (attempt.made) {
      with.source.attach(*std::move(attempt.made));
      with.source.start();
      if (with.control) with.control->start(deadline::in(control_limit));
      tell(signal::worker_ready);
      set_ready(true);
      manager_.ready(plan_.node + " takes tasks");
      log::info(plan_.node + " ready.", {{"pid", std::to_string(::getpid())}});
      return s;
    }
    auto why = attempt.made.error();
    auto const wait = again && work::worth_a_retry(why.code) ? schedule.next() : std::nullopt;
    if (!wait) throw error{why.code, "consumer: Cannot connect to " + attempt.url + ": " + why.text()};
    log::error(schedule.text(attempt.url, why, *wait));
    beat("cannot connect to " + attempt.url + ": " + why.text());
    if (auto const e = with.inbox.next(deadline::in(*wait))) s = after(s, *e);
    if (s.phase != work::stop_phase::running) return s;
  }
}

work::stop_state worker::impl::serve(crew& with) {
  work::stop_state s;
  auto clean_at = deadline::now();
  while (s.phase == work::stop_phase::running) {
    if (clean_at.passed()) {
      clean_results();
      clean_at = deadline::in(cleanup_interval);
    }
    auto wait = clean_at.sooner(deadline::in(say_alive(with.jobs, with.source)));
    if (with.scaling) wait = wait.sooner(deadline::in(work::scaling::interval));
    auto const e = with.inbox.next(wait);
    if (e == work::stop_event::dump) with.jobs.dump_stacks();
    if (e) s = after(s, *e);
    if (!e && with.scaling) with.scaling->tick();
  }
  return s;
}

// Tells the service manager that all is well while it is; how long until it wants to hear again.
std::chrono::steady_clock::duration worker::impl::say_alive(pool::pool const& jobs, work::consumer const& source) {
  auto const interval = manager_.interval();
  if (!interval) return cleanup_interval;
  auto const now = std::chrono::steady_clock::now();
  if (now - said_alive_ >= *interval && work::liveness(facts(jobs, source)).good) {
    manager_.alive();
    said_alive_ = now;
  }
  return *interval;
}

work::stop_state worker::impl::after(work::stop_state s, work::stop_event e) const {
  if (e == work::stop_event::hangup && s.phase == work::stop_phase::running && !options_.on_hangup_()) return s;
  return work::step(s, e, app_.settings.worker_soft_shutdown_timeout().count() > 0);
}

// Warm: as long as tasks run, then `settle_limit` for what they left. Soft: so long in all. What stays unsettled is
// delivered again.
work::stop_state worker::impl::drain(crew& with, work::stop_state s) {
  auto last = deadline::never();
  std::optional<deadline> soft;
  while (s.phase < work::stop_phase::cold && !with.source.drain(deadline::in(50ms))) {
    (void)say_alive(with.jobs, with.source);
    if (s.phase == work::stop_phase::soft && !soft) {
      auto const limit = app_.settings.worker_soft_shutdown_timeout();
      log::warning(plan_.node + ": soft shutdown: what runs has " + std::to_string(limit.count()) + " s to finish");
      soft = deadline::in(limit);
    }
    if (with.source.state().in_flight > 0) {
      last = deadline::never();
    } else if (last.is_never()) {
      last = deadline::in(settle_limit);
    } else if (last.passed()) {
      log::error(plan_.node + ": broker or backend are away; what could not be acknowledged will be delivered again");
      break;
    }
    if (soft && soft->passed()) s.phase = work::stop_phase::cold;
    if (auto const e = with.inbox.next(deadline::now())) s = after(s, *e);
  }
  return s;
}

void worker::impl::kill(crew& with) {
  log::warning(plan_.node + ": cold shutdown: what runs is given back (send QUIT again to end at once)");
  with.inbox.let_signals_kill();
  with.source.stop_thread();
  with.jobs.kill();
}

work::stop_state worker::impl::shut_down(crew& with, work::stop_state s) {
  set_ready(false);
  tell(signal::worker_shutdown);
  s.reload ? manager_.reloading() : manager_.stopping();
  if (s.phase == work::stop_phase::warm)
    log::warning(plan_.node + ": warm shutdown: what runs is finished (send INT again for a sharper one)");
  bool const reloading = s.reload;
  if (with.source.state().attached) s = drain(with, s);
  if (s.phase == work::stop_phase::hard) ::_exit(work::exit_code(s));
  if (with.control) with.control->stop();
  if (s.phase == work::stop_phase::cold)
    kill(with);
  else
    (void)with.jobs.stop(deadline::in(10s));
  with.source.close();
  save_state(with.source);
  while (auto const e = with.inbox.next(deadline::now())) s = after(s, *e);
  if (reloading && !s.reload) manager_.stopping();
  std::lock_guard const lock{mutex_};
  reload_ = s.reload;
  return s;
}

void worker::impl::save_state(work::consumer const& source) const {
  if (plan_.state_db.empty()) return;
  if (auto done = source.revoked()->save(plan_.state_db); !done) log::error(done.error().text());
}

void worker::impl::clean_results() {
  if (!app_.has_backend()) return;
  auto results = app_.backend(app_.operation_deadline());
  auto const removed =
      results ? (*results)->cleanup(app_.operation_deadline()) : expected<std::uint64_t>{std::uint64_t{0}};
  if (!removed) log::warning("cannot remove expired results: " + removed.error().text());
}

void worker::impl::set_ready(bool ready) {
  std::lock_guard const lock{mutex_};
  ready_ = ready;
  stopping_ = !ready;
  ready_changed_.notify_all();
}

void worker::impl::beat(std::string trouble) {
  std::lock_guard const lock{mutex_};
  beat_ = std::chrono::steady_clock::now();
  trouble_ = std::move(trouble);
}

std::string worker::impl::health_url() const {
  std::lock_guard const lock{mutex_};
  return health_url_;
}

work::health_facts worker::impl::facts(pool::pool const& jobs, work::consumer const& source) const {
  work::health_facts f;
  f.node = plan_.node;
  f.consumer = source.state();
  f.pool_up = !jobs.pids().empty();
  f.now = std::chrono::steady_clock::now();
  std::lock_guard const lock{mutex_};
  f.stopping = stopping_;
  f.trouble = trouble_;
  f.beat = std::max(beat_, f.consumer.turned);
  return f;
}

std::optional<int> worker::impl::health_port() const {
  return options_.health_port_ ? options_.health_port_ : app_.settings.worker_health_port();
}

std::unique_ptr<health::server> worker::impl::listen(pool::pool const& jobs, work::consumer const& source,
                                                     work::presence& others) {
  auto const& c = app_.settings;
  auto const port = health_port();
  if (!port) return nullptr;
  if (*port < 0 || *port > 65535) throw error{errc::invalid_argument, "the port for health checks is not in 0..65535"};
  health::checks what{[this, &jobs, &source] { return work::liveness(facts(jobs, source)); },
                      [this, &jobs, &source] { return work::readiness(facts(jobs, source)); },
                      [this, &source, &others] {
                        auto const s = source.state();
                        return counted_.text({plan_.node, s.consuming, s.active, others.events().dropped()});
                      }};
  auto made = health::server::listen(options_.health_host_.value_or(c.worker_health_host()),
                                     static_cast<std::uint16_t>(*port), std::move(what));
  if (!made) throw error{made.error()};
  log::info("health checks at " + (*made)->url());
  std::lock_guard const lock{mutex_};
  health_url_ = (*made)->url();
  return *std::move(made);
}

void worker::impl::post(work::stop_event e) {
  std::lock_guard const lock{mutex_};
  if (inbox_ != nullptr) return inbox_->post(e);
  early_.push_back(e);
}

bool worker::impl::reload_asked() const {
  std::lock_guard const lock{mutex_};
  return reload_;
}

bool worker::impl::wait_ready(deadline until) const {
  std::unique_lock lock{mutex_};
  if (until.is_never()) return ready_changed_.wait(lock, [this] { return ready_; }), true;
  return ready_changed_.wait_until(lock, until.when(), [this] { return ready_; });
}

worker::worker(app& on, worker_options options) : impl_{std::make_unique<impl>(on, std::move(options))} {}
worker::~worker() = default;
int worker::run() { return impl_->run(); }
void worker::stop() { impl_->post(work::stop_event::asked); }
void worker::stop_now() { impl_->post(work::stop_event::asked_now); }
bool worker::reload_asked() const { return impl_->reload_asked(); }
bool worker::wait_ready(deadline until) const { return impl_->wait_ready(until); }
std::string worker::health_url() const { return impl_->health_url(); }

}  // namespace lovage
