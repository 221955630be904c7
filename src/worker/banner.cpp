#include "worker/banner.hpp"

#include "config/url.hpp"

#include <lovage/version.hpp>

#include <sys/utsname.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lovage::work {

banner_facts banner_of(detail::app_state const& app, worker_plan const& plan, pool::pool const& jobs,
                       std::string health) {
  banner_facts f;
  f.node = plan.node;
  f.broker = mask_url(app.settings.broker_read_url());
  f.results = app.has_backend() ? mask_url(app.settings.result_backend()) : "disabled";
  f.pool = jobs.name();
  f.concurrency = std::to_string(plan.concurrency);
  if (auto const& a = plan.autoscale) f.concurrency = fmt::format("{{min={}, max={}}}", a->min, a->max);
  f.reserve = plan.reserve;
  f.health = std::move(health);
  for (auto const& q : plan.queues) f.queues.push_back(app.publishing.where.queues().find(q).value());
  for (auto const& [name, entry] : app.tasks.internals().entries()) f.tasks.push_back(name);
  return f;
}

std::string banner(banner_facts const& facts) {
  ::utsname os{};
  ::uname(&os);
  auto out = fmt::format("\n -------------- {} lovage {}\n --- ***** -----  {} {} {}\n\n", facts.node, LOVAGE_VERSION,
                         os.sysname, os.release, os.machine);
  out += fmt::format(
      " - [config]\n - .> broker:      {}\n - .> results:     {}\n - .> concurrency: {} ({})\n - .> reserves:    {} at "
      "most\n{}",
      facts.broker, facts.results, facts.concurrency, facts.pool, facts.reserve, facts.health.empty() ? "\n" : "");
  if (!facts.health.empty())
    out += fmt::format(" - .> health:      {}/healthz, {}/readyz\n\n", facts.health, facts.health);
  out += " - [queues]\n";
  for (auto const& q : facts.queues)
    out +=
        fmt::format(" - .> {:<16} exchange={}({}) key={}\n", q.name.str(), q.exchange, q.exchange_type, q.routing_key);
  out += "\n [tasks]\n";
  for (auto const& t : facts.tasks) out += fmt::format("  . {}\n", t);
  if (facts.tasks.empty()) out += "  none; load a plug-in with -A ./libtasks.so\n";
  return out + "\n";
}

}  // namespace lovage::work
