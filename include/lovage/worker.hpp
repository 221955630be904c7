// A worker inside a program of one's own; `lovage worker` is the same with a command line.
#pragma once

#include <lovage/app.hpp>
#include <lovage/deadline.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lovage {

enum class pool_kind { prefork, threads, solo, coroutine };

/// What is not set follows the app's configuration.
class worker_options {
 public:
  worker_options& pool(pool_kind v) { return pool_ = v, *this; }
  /// Tasks at once; zero: as many as there are cores.
  worker_options& concurrency(int v) { return concurrency_ = v, *this; }
  /// Reserved tasks per slot; zero: as many as the worker's own bound (1,000) allows; `prefetch_auto`: learnt for each
  /// queue from how long its tasks run.
  worker_options& prefetch_multiplier(int v) { return prefetch_multiplier_ = v, *this; }
  /// The pool grows up to `max` slots when tasks wait and shrinks down to `min` when it has been too large for half a
  /// minute; overrules `concurrency`. Zero for `min` counts as one.
  worker_options& autoscale(int max, int min) { return autoscale_ = {max, min}, automatic_ = false, *this; }
  /// The same, but the size is found by measuring: it grows while throughput rises and processors are free.
  worker_options& autoscale_by_load(int max, int min = 1) { return autoscale_ = {max, min}, automatic_ = true, *this; }
  static constexpr int prefetch_auto = -1;
  /// The most important first. "high:10" has a weight: then the queues are served by those, unless told otherwise.
  worker_options& queues(std::vector<std::string> v) { return queues_ = std::move(v), *this; }
  /// "fair", "strict" or "weighted"; default: setting `worker_queue_order`.
  worker_options& queue_order(std::string v) { return queue_order_ = std::move(v), *this; }
  /// File for what was revoked; default: setting `worker_state_db`.
  worker_options& state_db(std::string v) { return state_db_ = std::move(v), *this; }
  /// Node name; `%h` is the host name, `%n` its first label, `%d` its domain. Default "celery@%h".
  worker_options& hostname(std::string v) { return hostname_ = std::move(v), *this; }
  /// React to SIGTERM, SIGINT and SIGQUIT (the default). Without, the program calls `stop`.
  worker_options& handle_signals(bool v) { return handle_signals_ = v, *this; }
  /// React to SIGHUP by a warm shutdown, after which `worker::reload_asked` tells the program to start itself anew; the
  /// function is asked first, and with false the worker goes on. Without: HUP is not touched.
  worker_options& on_hangup(std::function<bool()> v) { return on_hangup_ = std::move(v), *this; }
  /// Answer probes at /healthz and /readyz on this port over HTTP; 0: any that is free. Default: setting
  /// `worker_health_port`, which is none.
  worker_options& health_port(int v) { return health_port_ = v, *this; }
  /// The address to listen on for them; default: setting `worker_health_host`, 127.0.0.1.
  worker_options& health_host(std::string v) { return health_host_ = std::move(v), *this; }
  /// Print the start-up banner to standard error.
  worker_options& banner(bool v) { return banner_ = v, *this; }

  std::optional<pool_kind> pool_;
  std::optional<int> concurrency_, prefetch_multiplier_, health_port_;
  std::optional<std::pair<int, int>> autoscale_;  ///< max, min
  bool automatic_ = false;
  std::optional<std::string> health_host_, queue_order_, state_db_;
  std::vector<std::string> queues_;
  std::string hostname_ = "celery@%h";
  std::function<bool()> on_hangup_;
  bool handle_signals_ = true;
  bool banner_ = false;
};

/// Takes tasks from the app's broker, runs them in a pool, stores results, acknowledges.
///
///     return lovage::worker{app, lovage::worker_options{}.pool(lovage::pool_kind::threads)}.run();
///
/// With the prefork pool, `run` starts this same program once more as its fork server: `main` runs again up to `run`,
/// with the same arguments. So `run` comes early, before threads are started and before anything that must not happen
/// twice.
class worker {
 public:
  explicit worker(app& on, worker_options options = {});
  ~worker();
  worker(worker const&) = delete;
  worker& operator=(worker const&) = delete;

  /// Runs until stopped. 0 after a warm shutdown by SIGTERM or `stop`, 1 after SIGINT, SIGQUIT or a cold one. QUIT
  /// gives what runs `worker_soft_shutdown_timeout` to finish, where that is set, then kills it and gives it back. A
  /// broker or backend that cannot be reached is waited for, unless `broker_connection_retry_on_startup` is false.
  /// Throws `error` when it cannot start: a setting, the pool, the port for probes.
  int run();

  /// Warm shutdown: finishes what runs, gives back the rest. *Threads*: any, also from signal-free contexts; may come
  /// before `run` and twice.
  void stop();
  /// Cold shutdown: what runs is given back and its children are killed.
  void stop_now();
  /// After `run`: it ended because of SIGHUP, see `worker_options::on_hangup`.
  [[nodiscard]] bool reload_asked() const;
  /// Waits until the worker takes tasks; false at the deadline.
  bool wait_ready(deadline until) const;
  /// Where it answers probes, such as "http://127.0.0.1:8080"; empty while it does not.
  [[nodiscard]] std::string health_url() const;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace lovage
