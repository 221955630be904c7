#include "worker/mingle.hpp"

#include "app/mailbox.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"

namespace lovage::work {
namespace {

constexpr std::chrono::milliseconds look_interval{50};
wire::control_request hello(mingling const& with, std::string const& replies, std::string const& oid,
                            std::int64_t clock) {
  wire::control_request r;
  r.method = "hello";
  r.arguments = {{"from_node", with.node}, {"revoked", with.revoked}};
  r.ticket = random_uuid().str();
  r.reply_to = wire::reply_address{replies, oid};
  r.clock = clock;
  return r;
}

// True when it was another node's answer.
bool take_in(wire::envelope const& e, control_mail::settings const& mail, std::string const& ticket,
             lamport_clock& clock, mingling const& with) {
  auto const reply = control_mail::read_reply(e, mail);
  if (!reply || reply->ticket != ticket || reply->node == with.node || !reply->payload.is<value::map>()) return false;
  if (auto const* theirs = reply->payload.find("clock"))
    if (auto const* number = theirs->get_if<std::int64_t>()) (void)clock.adjust(*number);
  auto const* revoked = reply->payload.find("revoked");
  if (revoked && with.on_revoked) with.on_revoked(*revoked);
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
  auto const mail = control_mail::settings::of(app.settings);
  auto inbox = (*on)->make_inbox(control_mail::reply_queue(mail, oid), until);
  if (!inbox) return fail(inbox.error());
  auto producer = app.producer(until);
  if (!producer) return fail(producer.error());
  auto const ask = hello(with, mail.reply_exchange, oid, clock.forward());
  auto const out = control_mail::write(ask, mail);
  if (!out) return fail(out.error());
  if (auto sent = (*producer)->publish({&*out, 1}, until); !sent) return fail(sent.error());
  std::size_t answered = 0;
  for (auto const end = deadline::in(with.wait); !end.passed() && !(with.give_up && with.give_up());) {
    auto said = (*inbox)->take(end.sooner(deadline::in(look_interval)));
    if (!said) return fail(said.error());
    for (auto const& e : *said) answered += take_in(e, mail, *ask.ticket, clock, with) ? 1 : 0;
  }
  return answered;
}

}  // namespace lovage::work
