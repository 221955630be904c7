#include "worker/presence.hpp"

#include "core/log.hpp"
#include "worker/mingle.hpp"

namespace lovage::work {
namespace {

constexpr std::chrono::seconds mingle_wait{1};

event_sender_options sender_options(worker_plan const& plan, worker_options const& options) {
  event_sender_options out;
  out.node = plan.node;
  out.task_events = plan.task_events;
  out.heartbeat = options.heartbeat_;
  out.interval = options.heartbeat_interval_;
  return out;
}

}  // namespace

presence::presence(detail::app_state& app, worker_plan const& plan, worker_options const& options, lamport_clock& clock)
    : app_{app},
      clock_{clock},
      node_{plan.node},
      gossip_{options.gossip_},
      mingle_{options.mingle_},
      events_{app, clock, sender_options(plan, options), [this] { return now(); }},
      others_{app, clock, events_, plan.node} {}

void presence::connect(execute::policy& policy, consumer_options& options) {
  policy.events = &events_.flag();
  options.tell = [this](std::vector<wire::event>&& e) { events_.send(std::move(e)); };
}

void presence::start() {
  auto const on = app_.sending_transport(app_.operation_deadline());
  if (!on || !(*on)->abilities().inboxes) return events_.stop();
  events_.start((*on)->abilities());
  // Tasks need not wait for the others' answers.
  if (gossip_ || mingle_) others_.start(mingle_ ? [this] { say_hello(); } : std::function<void()>{}, gossip_);
}

void presence::say_hello() {
  log::info("mingle: searching for neighbors");
  auto const* source = source_.load();
  auto const revoked = source ? source->revoked() : std::make_shared<revocations>();
  auto const learn = [revoked](value const& theirs) { revoked->merge(theirs); };
  auto const answered =
      mingle(app_, clock_, {node_, revoked->to_value(), learn, mingle_wait, [this] { return others_.stopping(); }});
  if (!answered) return log::warning("mingle: " + answered.error().text());
  log::info(*answered == 0 ? "mingle: all alone" : "mingle: sync with " + std::to_string(*answered) + " nodes");
}

void presence::stop() {
  others_.stop();
  events_.stop();
  source_ = nullptr;
}

vitals presence::now() const {
  auto const* source = source_.load();
  if (source == nullptr) return {};
  auto const s = source->state();
  return {static_cast<std::int64_t>(s.active), static_cast<std::int64_t>(s.processed)};
}

}  // namespace lovage::work
