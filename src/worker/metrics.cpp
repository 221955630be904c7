#include "worker/metrics.hpp"

#include "execute/task_events.hpp"

#include <fmt/format.h>

#include <string_view>

namespace lovage::work {
namespace {

using execute::task_stage;

// Of tasks that are not registered here: their names come from others and have no end.
constexpr std::string_view unregistered = "(unregistered)";

}  // namespace

void metrics::observe(task_stage stage, execute::request const& r, std::chrono::nanoseconds runtime) {
  std::string_view const name = r.entry ? std::string_view{r.message.task} : unregistered;
  std::lock_guard const lock{mutex_};
  auto at = tasks_.find(name);
  if (at == tasks_.end()) at = tasks_.emplace(std::string{name}, of_task{}).first;
  auto& t = at->second;
  ++t.stages[static_cast<std::size_t>(stage)];
  if (stage != task_stage::succeeded) return;
  t.runtime.add(std::chrono::duration<double>(runtime).count());
}

std::string metrics::text(metrics_facts const& now) const {
  auto const worker = fmt::format("worker=\"{}\"", health::escaped_label(now.worker));
  auto const labels = [&](std::string const& task) {
    return fmt::format("task=\"{}\",{}", health::escaped_label(task), worker);
  };
  auto const stage = [](of_task const& t, task_stage s) { return t.stages[static_cast<std::size_t>(s)]; };
  health::metrics_page out;
  std::lock_guard const lock{mutex_};
  out.head("flower_events_total", "counter", "Number of events");
  for (auto const& [task, t] : tasks_)
    for (std::size_t i = 0; i < t.stages.size(); ++i)
      if (t.stages[i] > 0)
        out.line("flower_events_total",
                 fmt::format("{},type=\"{}\"", labels(task), execute::event_type(static_cast<task_stage>(i))),
                 t.stages[i]);
  out.head("flower_task_runtime_seconds", "histogram", "Task runtime");
  for (auto const& [task, t] : tasks_) {
    if (stage(t, task_stage::succeeded) == 0) continue;
    out.histogram("flower_task_runtime_seconds", labels(task), t.runtime);
  }
  out.head("flower_worker_online", "gauge", "Worker online status");
  out.line("flower_worker_online", worker, std::uint64_t{now.online});
  out.head("flower_worker_number_of_currently_executing_tasks", "gauge",
           "Number of tasks currently executing at a worker");
  out.line("flower_worker_number_of_currently_executing_tasks", worker, std::uint64_t{now.active});
  out.head("flower_worker_prefetched_tasks", "gauge", "Number of tasks of given type prefetched at a worker");
  for (auto const& [task, t] : tasks_) {
    auto const begun = stage(t, task_stage::started), came = stage(t, task_stage::received);
    out.line("flower_worker_prefetched_tasks", labels(task), std::uint64_t{came > begun ? came - begun : 0});
  }
  out.head("lovage_events_dropped_total", "counter", "Events that the broker did not take");
  out.line("lovage_events_dropped_total", worker, now.events_dropped);
  return std::move(out.text);
}

decltype(execute::policy::observe) make_observer(hook_table const& hooks, std::string const& node, metrics* counted) {
  bool const hears = !hooks.empty(signal::task_revoked);
  if (!counted && !hears) return {};
  return [&hooks, &node, counted, hears](execute::task_stage stage, execute::request const& r, auto runtime) {
    if (counted) counted->observe(stage, r, runtime);
    if (hears && stage == execute::task_stage::revoked)
      hooks.tell(signal::task_revoked, {{"hostname", node}, {"id", r.message.id.str()}, {"task", r.message.task}});
  };
}

}  // namespace lovage::work
