// Events, and what workers tell each other.
#include "core/log.hpp"
#include "worker/commands/all.hpp"

namespace lovage::work::commands {
namespace {

template <class F>
F const& need_events(F const& part) {
  if (!part) throw command_refused{"event dispatcher unavailable"};
  return part;
}

}  // namespace

answer enable_events(node& on, arguments) {
  return ok(need_events(on.parts.enable_events)() ? "task events enabled" : "task events already enabled");
}

answer disable_events(node& on, arguments) {
  return ok(need_events(on.parts.disable_events)() ? "task events disabled" : "task events already disabled");
}

answer heartbeat(node& on, arguments) {
  if (on.parts.heartbeat) on.parts.heartbeat();
  return value{};
}

// To oneself the answer is null.
answer hello(node& on, arguments given) {
  auto const from = text_of(argument(given, "from_node"), "from_node");
  if (from == on.name) return value{};
  log::info("sync with " + from);
  if (auto const& known = argument(given, "revoked"); is_true(known) && on.parts.merge_revoked)
    on.parts.merge_revoked(known);
  auto revoked = on.parts.revoked_for_peers ? on.parts.revoked_for_peers() : value{value::map{}};
  return value{value::map{{"revoked", std::move(revoked)}, {"clock", on.clock.forward()}}};
}

answer election(node& on, arguments given) {
  if (on.parts.election)
    on.parts.election(text_of(argument(given, "id"), "id"), text_of(argument(given, "topic"), "topic"),
                      argument(given, "action"));
  return value{};
}

}  // namespace lovage::work::commands
