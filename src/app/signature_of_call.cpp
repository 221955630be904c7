// A call of this program's as a signature inside another message.
#include "app/signature_message.hpp"

#include <lovage/pack.hpp>
#include <lovage/signature_value.hpp>

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
raw_call call_to_show(wire::signature& s) {
  raw_call out;
  out.task = std::move(s.task);
  out.count = s.args.size();
  packer args;
  for (auto const& a : s.args) args.any(a);
  out.packed_args = std::move(args).out();
  out.kwargs = std::move(s.kwargs);
  auto const read = [&](char const* name, std::optional<std::string>& to) {
    auto const* v = s.option(name);
    if (auto const* text = v ? v->get_if<std::string>() : nullptr) to = *text;
  };
  read("queue", out.options.queue_);
  read("exchange", out.options.exchange_);
  read("routing_key", out.options.routing_key_);
  auto const* priority = s.option("priority");
  if (auto const* p = priority ? priority->get_if<std::int64_t>() : nullptr)
    out.options.priority_ = static_cast<int>(*p);
  auto const* id = s.option("task_id");
  if (auto const* text = id ? id->get_if<std::string>() : nullptr) out.options.id_ = task_id{*text};
  auto const* headers = s.option("headers");
  if (auto const* map = headers ? headers->get_if<value::map>() : nullptr) out.options.headers_ = *map;
  return out;
}

}  // namespace

expected<void> tell_before(wire::signature& s, app_state const& app) {
  if (app.publishing.before.empty()) return {};
  auto call = call_to_show(s);
  tell_before({&call, 1}, app);
  auto changed = signature_of(call);
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
