#include "worker/plan.hpp"

#include "core/ids.hpp"
#include "core/log.hpp"
#include "worker/node_name.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <random>
#include <thread>
#include <unordered_map>

namespace lovage::work {
namespace {

// Whatever the multiplier says, this many messages are held in memory at most.
constexpr std::size_t reserve_bound = 1000;

pool_kind kind_of(std::string const& name) {
  if (name == "threads") return pool_kind::threads;
  if (name == "coroutine") return pool_kind::coroutine;
  return name == "solo" ? pool_kind::solo : pool_kind::prefork;
}

broker::queue_order order_of(std::string const& name) {
  if (name == "strict") return broker::queue_order::strict;
  if (name == "weighted") return broker::queue_order::weighted;
  if (name == "fair") return broker::queue_order::fair;
  throw error{errc::invalid_argument, "the order of queues is fair, strict or weighted, not '" + name + "'"};
}

// "high:10": the name and its weight. A name may have a colon of its own, with something else behind it.
int take_weight(std::string& name) {
  auto const colon = name.rfind(':');
  if (colon == std::string::npos || colon == 0) return 0;
  auto const digits = std::string_view{name}.substr(colon + 1);
  int weight = 0;
  auto const [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), weight);
  if (bad != std::errc{} || end != digits.data() + digits.size()) return 0;
  if (weight < 1 || weight > 1000) throw error{errc::invalid_argument, "a queue's weight is not in 1..1000", name};
  name.resize(colon);
  return weight;
}

void plan_queues(detail::app_state const& app, worker_options const& options, worker_plan& p) {
  auto const order = options.queue_order_;
  auto names = options.queues_;
  std::unordered_map<std::string, int> weights;
  bool const may_weigh = !order || *order == "weighted";
  for (auto& name : names)
    if (auto const w = may_weigh ? take_weight(name) : 0; w > 0) weights[name] = w;
  p.order = order_of(order.value_or(weights.empty() ? app.settings.worker_queue_order() : "weighted"));
  p.queues = app.publishing.where.taken(names).value();
  for (auto const& q : p.queues) p.weights.push_back(weights.contains(q.str()) ? weights[q.str()] : 1);
}

// `%n` the name before the @, `%h` the whole node name, `%d` the host.
std::string expand_state_db(std::string const& pattern, std::string const& node) {
  auto const at = std::min(node.find('@'), node.size());
  return fill_in(pattern, [&, whole = std::string_view{node}](char letter) -> std::optional<std::string_view> {
    switch (letter) {
      case 'n': return whole.substr(0, at);
      case 'h': return whole;
      case 'd': return at < whole.size() ? whole.substr(at + 1) : std::string_view{};
      default: return std::nullopt;
    }
  });
}

rate_limits make_rates(detail::app_state const& app) {
  rate_limits out{app.settings.worker_disable_rate_limits()};
  auto const defaults = task_options::defaults(app.settings);
  for (auto const& [name, entry] : app.tasks.internals().entries()) {
    auto const text = task_options::merge(defaults, entry.spec).rate_limit;
    if (text.empty()) continue;
    auto const rate = read_rate(text);
    if (!rate) throw error{errc::invalid_argument, "task '" + name + "': " + rate.error().text()};
    out.set(name, *rate);
  }
  return out;
}

std::function<double()> make_uniform() {
  auto const engine = std::make_shared<std::mt19937_64>(std::random_device{}());
  return [engine] { return std::uniform_real_distribution<>{0, 1}(*engine); };
}

// It begins small and grows; by load, with a slot for each core.
void plan_autoscale(worker_plan& p, worker_options const& options) {
  if (!options.autoscale_) return;
  auto const [max, min] = *options.autoscale_;
  if (max < 1 || min < 0 || min > max)
    throw error{errc::invalid_argument, "autoscale needs 1 <= max and 0 <= min <= max"};
  if (p.kind == pool_kind::solo) throw error{errc::not_supported, "the solo pool has one slot: it cannot autoscale"};
  p.autoscale = {static_cast<std::size_t>(max), std::max<std::size_t>(1, static_cast<std::size_t>(min))};
  p.autoscale_by = options.automatic_ ? autoscale_mode::by_load : autoscale_mode::by_demand;
  p.concurrency = p.autoscale->min;
  if (options.automatic_)
    p.concurrency = std::clamp<std::size_t>(std::thread::hardware_concurrency(), p.autoscale->min, p.autoscale->max);
}

}  // namespace

std::size_t reserve_for(worker_plan const& plan, std::size_t concurrency) {
  if (plan.only_free) return concurrency;
  return plan.multiplier == 0 ? std::max(reserve_bound, concurrency) : concurrency * plan.multiplier;
}

worker_plan make_plan(detail::app_state const& app, worker_options const& options) {
  auto const& c = app.settings;
  worker_plan p;
  p.kind = options.pool_.value_or(kind_of(c.worker_pool()));
  auto const wanted = options.concurrency_.value_or(c.worker_concurrency());
  if (wanted < 0) throw error{errc::invalid_argument, "concurrency is negative; zero means as many as cores"};
  p.concurrency = wanted > 0 ? static_cast<std::size_t>(wanted) : std::max(1U, std::thread::hardware_concurrency());
  if (p.kind == pool_kind::solo) p.concurrency = 1;
  plan_autoscale(p, options);
  auto const multiplier = options.prefetch_multiplier_.value_or(c.worker_prefetch_multiplier());
  if (multiplier < worker_options::prefetch_auto)
    throw error{errc::invalid_argument, "the prefetch multiplier is negative; zero means no limit"};
  p.learns = multiplier == worker_options::prefetch_auto;
  p.multiplier = static_cast<std::size_t>(std::max(multiplier, 0));
  p.only_free = c.worker_disable_prefetch();
  p.reserve = reserve_for(p, p.autoscale ? p.autoscale->max : p.concurrency);
  p.node = expand_node_name(options.hostname_, host_name());
  auto const state = options.state_db_.value_or(c.worker_state_db());
  if (!state.empty()) p.state_db = expand_state_db(state, p.node);
  p.task_events = options.task_events_.value_or(c.worker_send_task_events());
  plan_queues(app, options, p);
  return p;
}

broker::consumer_options worker_plan::of_consumer() const {
  broker::consumer_options o;
  o.queues = queues;
  o.session_name = node;
  o.prefetch = reserve;
  o.slots = autoscale ? autoscale->max : concurrency;
  o.fetches = only_free || learns;
  o.order = order;
  o.weights = weights;
  return o;
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
  o.reserve = reserve_for(plan, plan.concurrency);
  if (auto const most = c.worker_max_reserved_bytes(); most > 0) o.reserve_octets = static_cast<std::size_t>(most);
  o.result_expires = std::chrono::ceil<std::chrono::seconds>(c.result_expires());
  o.deduplicate = c.worker_deduplicate_successful_tasks();
  o.now = app.now;
  o.slots = plan.concurrency;
  o.learns = plan.learns;
  o.only_free = plan.only_free;
  o.order = plan.order;
  for (auto const& q : plan.queues) o.queues.push_back(app.publishing.where.queues().find(q).value());
  o.rates = make_rates(app);
  o.revoked = std::make_shared<revocations>(revocation_limits::from_environment(), app.now);
  if (!plan.state_db.empty())
    if (auto done = o.revoked->load(plan.state_db); !done) throw error{done.error()};
  return o;
}

pool::options make_pool_options(detail::app_state const& app, worker_plan const& plan) {
  auto const& c = app.settings;
  pool::options o;
  o.concurrency = plan.concurrency;
  o.max_tasks_per_child = static_cast<std::uint64_t>(c.worker_max_tasks_per_child());
  o.max_memory_per_child = static_cast<std::uint64_t>(c.worker_max_memory_per_child());
  o.title = plan.node;
  o.watchdog = c.worker_watchdog();
  if (plan.kind != pool_kind::prefork && o.max_tasks_per_child + o.max_memory_per_child > 0)
    log::warning(
        "worker_max_tasks_per_child and worker_max_memory_per_child have no effect: only the prefork pool has "
        "children to replace");
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
