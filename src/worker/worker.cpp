// The life of a worker: pool and consumer up, events until stopped, the shutdown ladder down.
#include <lovage/worker.hpp>

#include "config/url.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "pool/prefork.hpp"
#include "worker/banner.hpp"
#include "worker/consumer.hpp"
#include "worker/job_codec.hpp"
#include "worker/node_name.hpp"
#include "worker/signal_inbox.hpp"

#include <cstdio>
#include <random>

namespace lovage {

using namespace std::chrono_literals;

namespace {

// Whatever the multiplier says, this many messages are held in memory at most.
constexpr std::size_t reserve_bound = 1000;
constexpr auto start_limit = 10s;
constexpr auto cleanup_interval = 1h;

pool_kind kind_of(std::string const& name) {
  if (name == "threads") return pool_kind::threads;
  return name == "solo" ? pool_kind::solo : pool_kind::prefork;
}

std::unique_ptr<pool::pool> make_pool(pool_kind kind) {
  switch (kind) {
    case pool_kind::threads: return pool::make_threads();
    case pool_kind::solo: return pool::make_solo();
    default: return pool::make_prefork();
  }
}

std::function<double()> make_uniform() {
  auto const engine = std::make_shared<std::mt19937_64>(std::random_device{}());
  return [engine] { return std::uniform_real_distribution<>{0, 1}(*engine); };
}

}  // namespace

/// What the options and the configuration come to.
struct worker_plan {
  pool_kind kind;
  std::size_t concurrency, reserve;
  std::string node;
  std::vector<queue_name> queues;
};

class worker::impl {
 public:
  impl(app& on, worker_options options)
      : app_{*on.state()}, options_{std::move(options)}, plan_{make_plan()}, inbox_{} {}

  int run();
  void post(work::stop_event e);
  bool wait_ready(deadline until) const;

 private:
  worker_plan make_plan() const;
  execute::policy make_policy(pool::pool const& jobs) const;
  void start(pool::pool& jobs, work::consumer& source);
  int serve(pool::pool& jobs, work::consumer& source, work::signal_inbox& inbox);
  work::stop_state shut_down(pool::pool& jobs, work::consumer& source, work::signal_inbox& inbox, work::stop_state s);
  void show_banner(pool::pool const& jobs) const;
  void clean_results();
  void set_ready(bool ready);

  detail::app_state& app_;
  worker_options const options_;
  worker_plan const plan_;

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable ready_changed_;
  bool ready_ = false;
  work::signal_inbox* inbox_;
  std::vector<work::stop_event> early_;  ///< stop came before run
};

worker_plan worker::impl::make_plan() const {
  auto const& c = app_.settings;
  worker_plan p;
  p.kind = options_.pool_.value_or(kind_of(c.worker_pool()));
  auto const wanted = options_.concurrency_.value_or(c.worker_concurrency());
  if (wanted < 0) throw error{errc::invalid_argument, "concurrency is negative; zero means as many as cores"};
  p.concurrency = wanted > 0 ? static_cast<std::size_t>(wanted) : std::max(1U, std::thread::hardware_concurrency());
  if (p.kind == pool_kind::solo) p.concurrency = 1;
  auto const multiplier = options_.prefetch_multiplier_.value_or(c.worker_prefetch_multiplier());
  if (multiplier < 0) throw error{errc::invalid_argument, "the prefetch multiplier is negative; zero means no limit"};
  p.reserve =
      multiplier == 0 ? std::max(reserve_bound, p.concurrency) : p.concurrency * static_cast<std::size_t>(multiplier);
  p.node = work::expand_node_name(options_.hostname_, host_name());
  p.queues = app_.publishing.where.taken(options_.queues_).value();
  return p;
}

execute::policy worker::impl::make_policy(pool::pool const& jobs) const {
  auto const& c = app_.settings;
  execute::policy p;
  p.tasks = &app_.tasks.internals();
  p.defaults = task_options::defaults(c);
  p.accept.accept_content = c.accept_content();
  p.node = plan_.node;
  p.serializer = c.task_serializer();
  p.compression = c.task_compression();
  p.delivery_limit = static_cast<std::uint32_t>(std::max(0, c.task_delivery_limit()));
  p.result_extended = c.result_extended();
  p.store_results = app_.has_backend();
  p.hard_limits = jobs.enforces_hard_limits();
  p.uniform = make_uniform();
  return p;
}

// A hard limit on a pool that cannot kill would be a promise nobody keeps: refused before the first task.
static void check_hard_limits(detail::app_state const& app, pool::pool const& jobs) {
  if (jobs.enforces_hard_limits()) return;
  for (auto const& [name, entry] : app.tasks.internals().entries())
    if (task_options::merge(task_options::defaults(app.settings), entry.spec).time_limit_s > 0)
      throw error{errc::not_supported, "task '" + name + "' has a hard time limit, which the " + jobs.name() +
                                           " pool cannot enforce; use --pool=prefork, or soft_time_limit"};
}

int worker::impl::run() {
  auto const& tasks = app_.tasks.internals();
  if (pool::is_fork_server()) pool::serve_forks(work::make_runner(tasks, {}));
  auto jobs = make_pool(plan_.kind);
  check_hard_limits(app_, *jobs);
  work::signal_inbox inbox{options_.handle_signals_};
  work::consumer source{
      app_,
      make_policy(*jobs),
      *jobs,
      {plan_.queues, plan_.reserve, std::chrono::ceil<std::chrono::seconds>(app_.settings.result_expires())}};
  {
    std::lock_guard const lock{mutex_};
    inbox_ = &inbox;
    for (auto const e : early_) inbox.post(e);
  }
  start(*jobs, source);
  auto const code = serve(*jobs, source, inbox);
  std::lock_guard const lock{mutex_};
  inbox_ = nullptr;
  return code;
}

void worker::impl::start(pool::pool& jobs, work::consumer& source) {
  if (options_.banner_) show_banner(jobs);
  bool const in_process = plan_.kind != pool_kind::prefork;
  auto on_start = [&source](std::uint64_t tag) { source.on_started(tag); };
  auto on_events = [&source, in_process](std::vector<pool::event>&& events) {
    if (!in_process)
      for (auto const& e : events)
        if (e.kind == pool::event_kind::started) source.on_started(e.id);
    source.on_events(std::move(events));
  };
  auto runner = work::make_runner(app_.tasks.internals(), in_process ? on_start : std::function<void(std::uint64_t)>{});
  jobs.start({plan_.concurrency, std::move(runner), on_events}).value();
  source.open(deadline::in(start_limit)).value();
  source.start();
  set_ready(true);
  log::info(plan_.node + " ready.", {{"pid", std::to_string(::getpid())}});
}

int worker::impl::serve(pool::pool& jobs, work::consumer& source, work::signal_inbox& inbox) {
  work::stop_state s;
  clean_results();
  while (s.phase == work::stop_phase::running) {
    if (auto const e = inbox.next(deadline::in(cleanup_interval))) {
      s = step(s, *e);
    } else {
      clean_results();
    }
  }
  set_ready(false);
  s = shut_down(jobs, source, inbox, s);
  return exit_code(s);
}

work::stop_state worker::impl::shut_down(pool::pool& jobs, work::consumer& source, work::signal_inbox& inbox,
                                         work::stop_state s) {
  if (s.phase == work::stop_phase::warm)
    log::warning(plan_.node + ": warm shutdown: what runs is finished (send INT again for a cold one)");
  bool drained = false;
  while (s.phase == work::stop_phase::warm && !drained) {
    drained = source.drain(deadline::in(50ms));
    if (drained) break;
    if (auto const e = inbox.next(deadline::now())) s = step(s, *e);
  }
  if (s.phase == work::stop_phase::cold) {
    log::warning(plan_.node + ": cold shutdown: what runs is given back");
    source.stop_thread();
    jobs.kill();
  } else {
    (void)jobs.stop(deadline::in(10s));
  }
  source.close();
  return s;
}

void worker::impl::clean_results() {
  if (!app_.has_backend()) return;
  auto results = app_.backend(app_.operation_deadline());
  auto const removed =
      results ? (*results)->cleanup(app_.operation_deadline()) : expected<std::uint64_t>{std::uint64_t{0}};
  if (!removed) log::warning("cannot remove expired results: " + removed.error().text());
}

void worker::impl::show_banner(pool::pool const& jobs) const {
  work::banner_facts f{plan_.node,
                       mask_url(app_.settings.broker_read_url()),
                       app_.has_backend() ? mask_url(app_.settings.result_backend()) : "disabled",
                       jobs.name(),
                       plan_.concurrency,
                       plan_.reserve,
                       {},
                       {}};
  for (auto const& q : plan_.queues) f.queues.push_back(app_.publishing.where.queues().find(q).value());
  for (auto const& [name, entry] : app_.tasks.internals().entries()) f.tasks.push_back(name);
  std::fputs(work::banner(f).c_str(), stderr);
}

void worker::impl::set_ready(bool ready) {
  std::lock_guard const lock{mutex_};
  ready_ = ready;
  ready_changed_.notify_all();
}

void worker::impl::post(work::stop_event e) {
  std::lock_guard const lock{mutex_};
  if (inbox_ != nullptr) return inbox_->post(e);
  early_.push_back(e);
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
bool worker::wait_ready(deadline until) const { return impl_->wait_ready(until); }

}  // namespace lovage
