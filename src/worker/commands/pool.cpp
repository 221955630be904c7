// The size of the pool, and the end of the worker.
#include "core/log.hpp"
#include "worker/commands/all.hpp"

namespace lovage::work::commands {
namespace {

void refuse_when_autoscaled(node& on, std::string const& command) {
  if (on.parts.autoscaler && on.parts.autoscaler())
    throw command_refused{command + " is not supported with autoscale. Adjust autoscale range instead."};
}

void resize(node& on, std::int64_t by) {
  auto const now = static_cast<std::int64_t>(on.slots());
  if (now + by < 1) throw command_refused{exception_text("ValueError", "Can't shrink pool. All processes busy!")};
  auto const size = static_cast<std::size_t>(now + by);
  or_refuse(on.jobs.resize(size));
}

}  // namespace

answer pool_grow(node& on, arguments given) {
  refuse_when_autoscaled(on, "pool_grow");
  resize(on, integer_of(argument(given, "n"), "n").value_or(1));
  return ok("pool will grow");
}

answer pool_shrink(node& on, arguments given) {
  refuse_when_autoscaled(on, "pool_shrink");
  resize(on, -integer_of(argument(given, "n"), "n").value_or(1));
  return ok("pool will shrink");
}

// `modules` and `reload` are Python's: what a plug-in brought stays loaded.
answer pool_restart(node& on, arguments) {
  if (!on.app.settings.worker_pool_restarts())
    throw command_refused{exception_text("ValueError", "Pool restarts not enabled")};
  or_refuse(on.jobs.restart());
  return ok("reload started");
}

answer autoscale(node& on, arguments given) {
  if (!on.parts.autoscale || !on.parts.autoscaler || !on.parts.autoscaler())
    throw command_refused{exception_text("ValueError", "Autoscale not enabled")};
  auto const now =
      on.parts.autoscale(integer_of(argument(given, "max"), "max"), integer_of(argument(given, "min"), "min"));
  if (!now) throw command_refused{now.error().detail};
  return ok("autoscale now max=" + std::to_string(now->max) + " min=" + std::to_string(now->min));
}

answer shutdown(node& on, arguments given) {
  auto const& text = argument(given, "msg");
  log::warning(text.is_null() ? "Got shutdown from remote" : text_of(text, "msg"));
  need(on.parts.stop, "shutdown is")();
  return std::nullopt;
}

}  // namespace lovage::work::commands
