#include "worker/control_wiring.hpp"

#include "core/log.hpp"

#include <algorithm>

namespace lovage::work {
namespace {

failure no_answer() { return fail(errc::timeout, "the worker is too busy to answer"); }

// What belongs to the consumer's thread is done there.
template <class F>
auto on_its_thread(consumer& source, F what) -> decltype(what()) {
  decltype(what()) out = no_answer();
  if (!source.call([&] { out = what(); }, deadline::in(command_limit))) return no_answer();
  return out;
}

// Whoever does not listen at this moment finds it with the broker, whichever program said it.
class revocation_log {
 public:
  explicit revocation_log(detail::app_state& app) : app_{app} {}

  void keep(std::span<broker::revocation const> what) {
    if (what.empty()) return;
    auto const done = open();
    auto const kept = done ? into_->revoke(what) : done;
    if (!kept && kept.error().code != errc::not_supported)
      log::warning("what was revoked is known to those alone that listen: " + kept.error().text());
  }

 private:
  // Once for all: on RabbitMQ it has a connection and a thread of its own.
  expected<void> open() {
    if (into_) return {};
    auto const until = app_.operation_deadline();
    auto const on = app_.transport(until);
    if (!on) return fail(on.error());
    auto made = (*on)->make_inspector(until);
    if (!made) return fail(made.error());
    into_ = *std::move(made);
    return {};
  }

  detail::app_state& app_;
  std::unique_ptr<broker::inspector> into_;
};

void wire_revoking(node_parts& parts, consumer& source, detail::app_state& app) {
  auto const known = source.revoked();
  auto const now = app.now;
  auto const log = std::make_shared<revocation_log>(app);
  auto const look_again = [&source] { (void)source.call([] {}, deadline::in(command_limit)); };
  parts.revoke = [known, now, look_again, log](auto const& ids) {
    log->keep(known->revoke(ids, now()));
    look_again();
  };
  parts.revoked = [known] { return known->ids(); };
  parts.revoke_stamps = [known, now, look_again, log](value::map const& stamps) {
    for (auto const& s : stamps) {
      std::vector<std::string> values;
      if (auto const* one = s.val.get_if<std::string>()) values.push_back(*one);
      if (auto const* list = s.val.get_if<value::list>())
        for (auto const& v : *list)
          if (auto const* text = v.get_if<std::string>()) values.push_back(*text);
      log->keep(known->revoke_stamps(s.key, values, now()));
    }
    look_again();
  };
  parts.revoked_for_peers = [known] { return value{known->to_value()}; };
  parts.merge_revoked = [known](value const& from) { known->merge(from); };
}

void wire_queues(node_parts& parts, consumer& source) {
  parts.queues = [&source] {
    std::vector<broker::queue_spec> specs;
    (void)source.call([&] { specs = source.queues(); }, deadline::in(command_limit));
    return specs;
  };
  parts.add_queue = [&source](broker::queue_spec const& queue) {
    return on_its_thread(source, [&] { return source.add_queue(queue); });
  };
  parts.cancel_queue = [&source](queue_name const& queue) {
    return on_its_thread(source, [&] { return source.cancel_queue(queue); });
  };
}

void wire_limits(node_parts& parts, consumer& source) {
  parts.rate_limit = [&source](std::string const& task, std::string const& rate) {
    return on_its_thread(source, [&] { return source.set_rate_limit(task, rate); });
  };
  parts.time_limits = [&source](std::string const& task, std::optional<double> hard, std::optional<double> soft) {
    return on_its_thread(source, [&] { return source.set_time_limits(task, hard.value_or(0), soft.value_or(0)); });
  };
}

void wire_scaling(node_parts& parts, pool::pool& jobs, consumer& source, autoscaler& scaler) {
  auto const range_now = [&scaler] {
    auto const now = scaler.limits();
    return node_parts::range{static_cast<std::int64_t>(now.max), static_cast<std::int64_t>(now.min)};
  };
  parts.autoscaler = [range_now, &jobs, &source] {
    return std::optional{node_parts::autoscale_state{range_now(), static_cast<std::int64_t>(jobs.concurrency()),
                                                     static_cast<std::int64_t>(source.state().in_flight)}};
  };
  parts.autoscale = [range_now, &scaler](std::optional<std::int64_t> max,
                                         std::optional<std::int64_t> min) -> expected<node_parts::range> {
    auto const now = range_now();
    auto const most = max.value_or(now.max), least = min.value_or(std::min(now.min, most));
    if (most < 1 || least < 0 || least > most)
      return fail(errc::invalid_argument, "autoscale needs 1 <= max and 0 <= min <= max");
    scaler.set_limits(static_cast<std::size_t>(most), static_cast<std::size_t>(least));
    return range_now();
  };
}

}  // namespace

void wire_presence(node_parts& parts, presence& others) {
  parts.enable_events = [&others] { return others.events().enable(); };
  parts.disable_events = [&others] { return others.events().disable(); };
  parts.heartbeat = [&others] { others.events().beat(std::chrono::seconds{5}); };
  parts.election = [&others](std::string const& id, std::string const& topic, value const& action) {
    others.others().elect(id, topic, action);
  };
}

node make_node(detail::app_state& app, worker_plan const& plan, pool::pool& jobs, consumer& source, autoscaler* scaler,
               lamport_clock& clock, std::function<void()> stop) {
  node out{app, plan.node, jobs, clock, plan.reserve, plan.concurrency};
  auto& parts = out.parts;
  parts.stop = std::move(stop);
  parts.tasks = [&source] { return source.tasks(deadline::in(command_limit)); };
  parts.totals = [&source] { return source.totals(deadline::in(command_limit)); };
  wire_queues(parts, source);
  wire_revoking(parts, source, app);
  wire_limits(parts, source);
  if (scaler) wire_scaling(parts, jobs, source, *scaler);
  return out;
}

}  // namespace lovage::work
