#include "worker/mingle.hpp"

#include "core/ids.hpp"
#include "core/log.hpp"
#include "wire/control.hpp"
#include "wire/serializer.hpp"

namespace lovage::work {
namespace {

constexpr std::chrono::milliseconds look_interval{50};
constexpr char const* requests = "celery.pidbox";
constexpr char const* replies = "reply.celery.pidbox";

broker::queue_spec reply_queue(std::string const& oid) {
  broker::queue_spec out;
  out.name = queue_name{oid + "." + replies};
  out.exchange = replies;
  out.routing_key = oid;
  out.arguments = {{"x-expires", 10'000}, {"x-message-ttl", 300'000}};
  out.durable = out.exchange_durable = false;
  out.auto_delete = true;
  return out;
}

wire::control_request hello(mingling const& with, std::string const& oid, std::int64_t clock) {
  wire::control_request r;
  r.method = "hello";
  r.arguments = {{"from_node", with.node}, {"revoked", with.revoked}};
  r.ticket = random_uuid().str();
  r.reply_to = wire::reply_address{replies, oid};
  r.clock = clock;
  return r;
}

expected<broker::outgoing> message(wire::control_request const& r) {
  auto body = wire::to_json(r.body());
  if (!body) return fail(body.error());
  broker::outgoing out;
  out.exchange = requests;
  out.must_route = false;
  out.envelope.content_type = "application/json";
  out.envelope.content_encoding = "utf-8";
  out.envelope.headers = r.headers();
  out.envelope.properties.priority = 0;
  out.envelope.body = *std::move(body);
  return out;
}

// True when it was another node's answer.
bool take_in(wire::envelope const& e, std::string const& ticket, lamport_clock& clock, mingling const& with) {
  auto body = wire::from_json(e.body);
  if (!body) return false;
  auto const reply = wire::control_reply::from(*std::move(body), e.headers);
  if (!reply || reply->ticket != ticket || reply->node == with.node || !reply->payload.is<value::map>()) return false;
  if (auto const* theirs = reply->payload.find("clock"))
    if (auto const* number = theirs->get_if<std::int64_t>()) (void)clock.adjust(*number);
  auto const* revoked = reply->payload.find("revoked");
  auto const* map = revoked ? revoked->get_if<value::map>() : nullptr;
  if (map && with.on_revoked) with.on_revoked(*map);
  return true;
}

}  // namespace

value::map hello_payload(value::map revoked, std::int64_t clock) {
  return {{"revoked", std::move(revoked)}, {"clock", clock}};
}

expected<std::size_t> mingle(detail::app_state& app, lamport_clock& clock, mingling const& with) {
  auto const until = app.operation_deadline();
  auto on = app.sending_transport(until);
  if (!on) return fail(on.error());
  if (!(*on)->abilities().inboxes) return std::size_t{0};
  auto const oid = random_uuid().str();
  auto inbox = (*on)->make_inbox(reply_queue(oid), until);
  if (!inbox) return fail(inbox.error());
  auto producer = app.producer(until);
  if (!producer) return fail(producer.error());
  auto const ask = hello(with, oid, clock.forward());
  auto const out = message(ask);
  if (!out) return fail(out.error());
  if (auto sent = (*producer)->publish({&*out, 1}, until); !sent) return fail(sent.error());
  std::size_t answered = 0;
  for (auto const end = deadline::in(with.wait); !end.passed() && !(with.give_up && with.give_up());) {
    auto said = (*inbox)->take(end.sooner(deadline::in(look_interval)));
    if (!said) return fail(said.error());
    for (auto const& e : *said) answered += take_in(e, *ask.ticket, clock, with) ? 1 : 0;
  }
  return answered;
}

}  // namespace lovage::work
