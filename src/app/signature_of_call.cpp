// A call of this program's as a signature inside another message.
#include "app/call_of_signature.hpp"
#include "app/signature_message.hpp"

#include <lovage/signature_value.hpp>

#include <array>

namespace lovage::detail {

expected<wire::signature> signature_of(raw_call const& call) {
  try {
    return wire::signature::from_value(signature_value(call));
  } catch (error const& e) {
    return fail(e.info());
  }
}

namespace {

// Those options that say where a call goes and what goes with it; the rest of them stays as it is.
constexpr std::array<char const*, 6> shown{"task_id", "queue", "exchange", "routing_key", "priority", "headers"};

expected<raw_call> call_to_show(wire::signature const& s) {
  wire::signature part;
  part.task = s.task;
  part.args = s.args;
  part.kwargs = s.kwargs;
  for (auto const* name : shown)
    if (auto const* v = s.option(name)) part.set_option(name, *v);
  return call_of_signature(std::move(part));
}

}  // namespace

expected<void> tell_before(wire::signature& s, app_state const& app) {
  if (app.publishing.before.empty()) return {};
  auto call = call_to_show(s);
  if (!call) return fail(call.error());
  tell_before({&*call, 1}, app);
  auto changed = signature_of(*call);
  if (!changed) return fail(changed.error());
  s.task = std::move(changed->task);
  s.args = std::move(changed->args);
  s.kwargs = std::move(changed->kwargs);
  for (auto& o : changed->options) s.set_option(o.key, std::move(o.val));
  return {};
}

expected<wire::embed> embed_of(call_options const& o) {
  wire::embed out;
  try {
    for (auto const& then : o.links_) out.callbacks.push_back(signature_value(*then));
    for (auto const& then : o.error_links_) out.errbacks.push_back(signature_value(*then));
  } catch (error const& e) {
    return fail(e.info());
  }
  return out;
}

}  // namespace lovage::detail
