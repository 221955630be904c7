#include "worker/control_wiring.hpp"

namespace lovage::work {
namespace {

template <class F>
expected<void> told(consumer& source, F&& order) {
  expected<void> out;
  if (source.call([&] { out = order(); }, deadline::in(command_limit))) return out;
  return fail(errc::timeout, "the worker is busy");
}

void wire_revoking(node_parts& parts, consumer& source, now_fn now) {
  auto const known = source.revoked();
  auto const look_again = [&source] { (void)source.call([] {}, deadline::in(command_limit)); };
  parts.revoke = [known, now, look_again](auto const& ids) { known->revoke(ids, now()), look_again(); };
  parts.revoked = [known] { return known->ids(); };
  parts.revoke_stamps = [known, now, look_again](value::map const& stamps) {
    for (auto const& s : stamps) {
      std::vector<std::string> values;
      if (auto const* one = s.val.get_if<std::string>()) values.push_back(*one);
      if (auto const* list = s.val.get_if<value::list>())
        for (auto const& v : *list)
          if (auto const* text = v.get_if<std::string>()) values.push_back(*text);
      known->revoke_stamps(s.key, values, now());
    }
    look_again();
  };
  parts.revoked_for_peers = [known] { return value{known->to_value()}; };
  parts.merge_revoked = [known](value const& from) {
    if (auto const* ids = from.get_if<value::map>()) known->merge(*ids);
  };
}

void wire_limits(node_parts& parts, consumer& source) {
  parts.rate_limit = [&source](std::string const& task, std::string const& rate) {
    return told(source, [&] { return source.set_rate_limit(task, rate); });
  };
  parts.time_limits = [&source](std::string const& task, std::optional<double> hard, std::optional<double> soft) {
    return told(source, [&] { return source.set_time_limits(task, hard.value_or(0), soft.value_or(0)); });
  };
}

void wire_queues(node_parts& parts, consumer& source) {
  parts.queues = [&source] {
    std::vector<broker::queue_spec> out;
    (void)source.call([&] { out = source.queues(); }, deadline::in(command_limit));
    return out;
  };
  parts.add_queue = [&source](broker::queue_spec const& queue) {
    return told(source, [&] { return source.add_queue(queue); });
  };
  parts.cancel_queue = [&source](queue_name const& queue) {
    return told(source, [&] { return source.cancel_queue(queue); });
  };
}

}  // namespace

node make_node(detail::app_state& app, worker_plan const& plan, pool::pool& jobs, consumer& source,
               lamport_clock& clock, std::function<void()> stop) {
  node out{app, plan.node, jobs, clock, plan.reserve, plan.concurrency};
  auto& parts = out.parts;
  parts.stop = std::move(stop);
  parts.tasks = [&source] { return source.tasks(deadline::in(command_limit)); };
  parts.totals = [&source] { return source.totals(deadline::in(command_limit)); };
  wire_queues(parts, source);
  wire_limits(parts, source);
  wire_revoking(parts, source, app.now);
  return out;
}

}  // namespace lovage::work
