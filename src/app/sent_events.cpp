#include "app/sent_events.hpp"

#include "app/event_mail.hpp"
#include "core/log.hpp"
#include "wire/workflow_fields.hpp"

#include <unistd.h>

#include <utility>

namespace lovage::detail {
namespace {

constexpr std::chrono::seconds send_limit{2};

value text_or_null(std::optional<std::string> const& s) { return s ? value{*s} : value{}; }
value time_or_null(std::optional<datetime> const& t) { return t ? value{wire::to_iso(*t)} : value{}; }

}  // namespace

void sent_events::note(wire::task_message const& m, destination const& to) {
  if (!on_) return;
  bool const by_exchange = to.queue.empty();
  wire::event e;
  e.type = "task-sent";
  e.hostname = app_.publishing.origin;
  e.timestamp = std::chrono::duration<double>(app_.now().time_since_epoch()).count();
  e.utcoffset = event_mail::hours_west();
  e.pid = ::getpid();
  e.clock = app_.clock.forward();
  e.fields = {{"uuid", m.id.str()},
              {"root_id", text_or_null(m.root_id)},
              {"parent_id", text_or_null(m.parent_id)},
              {"name", m.shadow.value_or(m.task)},
              {"args", m.argsrepr},
              {"kwargs", m.kwargsrepr},
              {"retries", m.retries},
              {"eta", time_or_null(m.eta)},
              {"expires", time_or_null(m.expires)},
              {"queue", by_exchange ? value{} : value{to.queue.str()}},
              {"exchange", by_exchange ? to.exchange : std::string{}},
              {"routing_key", by_exchange ? to.routing_key : to.queue.str()}};
  for (auto& f : wire::workflow_fields(m)) e.fields.push_back(std::move(f));
  noted_.push_back(std::move(e));
}

void sent_events::send(broker::producer& over, broker::traits const& on) {
  auto const events = std::exchange(noted_, {});
  if (events.empty() || !on.inboxes) return;
  auto const with = event_mail::settings::of(app_.settings);
  std::vector<broker::outgoing> messages;
  for (auto const& e : events)
    if (auto m = event_mail::write(e, with)) messages.push_back(*std::move(m));
  if (auto sent = over.publish(messages, deadline::in(send_limit)); !sent)
    log::warning("events: task-sent cannot be told: " + sent.error().text());
}

}  // namespace lovage::detail
