#include "worker/plan.hpp"

#include "core/ids.hpp"
#include "worker/node_name.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <thread>

namespace lovage::work {
namespace {

// Whatever the multiplier says, this many messages are held in memory at most.
constexpr std::size_t reserve_bound = 1000;

pool_kind kind_of(std::string const& name) {
  if (name == "threads") return pool_kind::threads;
  return name == "solo" ? pool_kind::solo : pool_kind::prefork;
}

std::function<double()> make_uniform() {
  auto const engine = std::make_shared<std::mt19937_64>(std::random_device{}());
  return [engine] { return std::uniform_real_distribution<>{0, 1}(*engine); };
}

}  // namespace

worker_plan make_plan(detail::app_state const& app, worker_options const& options) {
  auto const& c = app.settings;
  worker_plan p;
  p.kind = options.pool_.value_or(kind_of(c.worker_pool()));
  auto const wanted = options.concurrency_.value_or(c.worker_concurrency());
  if (wanted < 0) throw error{errc::invalid_argument, "concurrency is negative; zero means as many as cores"};
  p.concurrency = wanted > 0 ? static_cast<std::size_t>(wanted) : std::max(1U, std::thread::hardware_concurrency());
  if (p.kind == pool_kind::solo) p.concurrency = 1;
  auto const multiplier = options.prefetch_multiplier_.value_or(c.worker_prefetch_multiplier());
  if (multiplier < 0) throw error{errc::invalid_argument, "the prefetch multiplier is negative; zero means no limit"};
  p.reserve =
      multiplier == 0 ? std::max(reserve_bound, p.concurrency) : p.concurrency * static_cast<std::size_t>(multiplier);
  p.node = expand_node_name(options.hostname_, host_name());
  p.task_events = options.task_events_.value_or(c.worker_send_task_events());
  p.queues = app.publishing.where.taken(options.queues_).value();
  return p;
}

execute::policy make_policy(detail::app_state const& app, worker_plan const& plan, pool::pool const& jobs) {
  auto const& c = app.settings;
  execute::policy p;
  p.tasks = &app.tasks.internals();
  p.defaults = task_options::defaults(c);
  p.accept.accept_content = c.accept_content();
  p.node = plan.node;
  p.publishing = app.publishing;
  p.delivery_limit = static_cast<std::uint32_t>(std::max(0, c.task_delivery_limit()));
  p.result_extended = c.result_extended();
  p.store_results = app.has_backend();
  p.hard_limits = jobs.enforces_hard_limits();
  p.inherit_priority = c.task_inherit_parent_priority();
  p.uniform = make_uniform();
  return p;
}

consumer_options make_consumer_options(detail::app_state const& app, worker_plan const& plan) {
  auto const& c = app.settings;
  consumer_options o;
  o.reserve = plan.reserve;
  o.result_expires = std::chrono::ceil<std::chrono::seconds>(c.result_expires());
  o.deduplicate = c.worker_deduplicate_successful_tasks();
  o.now = app.now;
  return o;
}

void check_hard_limits(detail::app_state const& app, pool::pool const& jobs) {
  if (jobs.enforces_hard_limits()) return;
  for (auto const& [name, entry] : app.tasks.internals().entries())
    if (task_options::merge(task_options::defaults(app.settings), entry.spec).time_limit_s > 0)
      throw error{errc::not_supported, "task '" + name + "' has a hard time limit, which the " + jobs.name() +
                                           " pool cannot enforce; use --pool=prefork, or soft_time_limit"};
}

}  // namespace lovage::work
