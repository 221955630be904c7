#include "worker/banner.hpp"

#include <lovage/version.hpp>

#include <sys/utsname.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lovage::work {

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
