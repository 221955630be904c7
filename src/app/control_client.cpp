#include "app/control_client.hpp"

#include "app/revoke.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"

#include <utility>

namespace lovage {
namespace detail {
namespace {

wire::control_request request_of(std::string command, value::map arguments, control_options const& with) {
  wire::control_request r;
  r.method = std::move(command);
  r.arguments = std::move(arguments);
  if (!with.destination_.empty()) r.destination = with.destination_;
  if (!with.pattern_.empty()) r.pattern = with.pattern_, r.matcher = with.matcher_;
  return r;
}

double unix_seconds(time_point t) { return static_cast<double>(t.time_since_epoch().count()) / 1e6; }

}  // namespace

control_client::control_client(std::shared_ptr<app_state> of)
    : app_{std::move(of)}, mail_{control_mail::settings::of(app_->settings)}, oid_{random_uuid().str()} {}

expected<void> control_client::send(wire::control_request r) {
  r.clock = clock_.forward();
  auto const message = control_mail::write(r, mail_);
  if (!message) return fail(message.error());
  auto const until = app_->operation_deadline();
  auto producer = app_->producer(until);
  if (!producer) return fail(producer.error());
  return (*producer)->publish(std::span{&*message, 1}, until);
}

expected<void> control_client::open(deadline until) {
  if (inbox_) return {};
  auto transport = app_->transport(until);
  if (!transport) return fail(transport.error());
  auto inbox = (*transport)->make_inbox(control_mail::reply_queue(mail_, oid_), until);
  if (!inbox) return fail(inbox.error());
  transport_ = *std::move(transport);
  inbox_ = *std::move(inbox);
  return {};
}

expected<void> control_client::cast(std::string command, value::map arguments, control_options const& with) {
  return send(request_of(std::move(command), std::move(arguments), with));
}

// The mailbox comes first: an answer to a queue that is not there is lost.
expected<std::vector<node_reply>> control_client::ask(std::string command, value::map arguments,
                                                      control_options const& with,
                                                      std::function<void(node_reply const&)> const& tell) {
  std::lock_guard const lock{mutex_};
  if (auto ready = open(app_->operation_deadline()); !ready) return fail(ready.error());
  auto r = request_of(std::move(command), std::move(arguments), with);
  r.ticket = random_uuid().str();
  r.reply_to = wire::reply_address{mail_.reply_exchange, oid_};
  r.expires = unix_seconds(app_->now()) + with.timeout_.count();
  auto const ticket = *r.ticket;
  if (auto sent = send(std::move(r)); !sent) return fail(sent.error());
  return collect(ticket, with, tell);
}

expected<std::vector<node_reply>> control_client::collect(std::string const& ticket, control_options const& with,
                                                          std::function<void(node_reply const&)> const& tell) {
  auto const enough = with.limit_ > 0 ? with.limit_ : with.destination_.size();  // zero: as many as come
  std::vector<node_reply> out;
  for (auto const until = deadline::in(with.timeout_); !until.passed();) {
    auto const messages = inbox_->take(until);
    if (!messages && out.empty()) return fail(messages.error());
    if (!messages) break;
    for (auto const& m : *messages) {
      auto reply = read(m, ticket);
      if (!reply) continue;
      if (tell) tell(*reply);
      out.push_back(*std::move(reply));
    }
    if (enough > 0 && out.size() >= enough) break;
  }
  return out;
}

// Nothing: it is not a reply to this question, or came too late for it.
std::optional<node_reply> control_client::read(wire::envelope const& message, std::string const& ticket) {
  auto reply = control_mail::read_reply(message, mail_);
  if (!reply) {
    log::warning("a reply cannot be read: " + reply.error().text());
    return std::nullopt;
  }
  if (reply->clock) clock_.adjust(*reply->clock);
  auto const* expires = find(message.headers, "expires");
  auto const* at = expires ? expires->get_if<double>() : nullptr;
  if ((at && *at < unix_seconds(app_->now())) || reply->ticket.value_or(ticket) != ticket) return std::nullopt;
  return node_reply{std::move(reply->node), std::move(reply->payload)};
}

}  // namespace detail

remote_control::remote_control(std::shared_ptr<detail::app_state> of, control_options with)
    : client_{std::make_shared<detail::control_client>(std::move(of))}, with_{std::move(with)} {}

// What is said to all is said to those, too, that are away.
static expected<void> keep(detail::control_client const& by, control_options const& with, std::string_view command,
                           value::map const& arguments) {
  if (!with.destination_.empty() || !with.pattern_.empty()) return {};
  return detail::keep_revocation(by.app(), command, arguments);
}

expected<remote_control::replies> remote_control::try_broadcast(std::string command, value::map arguments,
                                                                on_reply const& tell) {
  if (auto kept = keep(*client_, with_, command, arguments); !kept) return fail(kept.error());
  return client_->ask(std::move(command), std::move(arguments), with_, tell);
}

expected<void> remote_control::try_cast(std::string command, value::map arguments) {
  if (auto kept = keep(*client_, with_, command, arguments); !kept) return kept;
  return client_->cast(std::move(command), std::move(arguments), with_);
}

inspect remote_control::inspect() const {
  return lovage::inspect{[client = client_, with = with_](std::string command, value::map arguments) {
    lovage::inspect::answers out;
    auto replies = client->ask(std::move(command), std::move(arguments), with, {}).value();
    for (auto& r : replies) out.insert_or_assign(std::move(r.node), std::move(r.payload));
    return out;
  }};
}

}  // namespace lovage
