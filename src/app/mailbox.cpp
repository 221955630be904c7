#include "app/mailbox.hpp"

#include "wire/serializer.hpp"

#include <algorithm>

namespace lovage::control_mail {
namespace {

bool accepts(std::vector<std::string> const& names, wire::serializer const* which) {
  return std::any_of(names.begin(), names.end(), [&](auto const& n) { return wire::find_serializer(n) == which; });
}

broker::queue_spec queue_of(settings const& with, std::string name) {
  broker::queue_spec q;
  q.name = queue_name{std::move(name)};
  q.arguments = with.arguments;
  q.durable = with.durable;
  q.exclusive = with.exclusive;
  q.auto_delete = !with.durable;
  q.exchange_durable = false;
  return q;
}

expected<broker::outgoing> message(value const& body, value::map headers, std::uint8_t mode, settings const& with) {
  auto const* how = wire::find_serializer(with.serializer);
  if (how == nullptr) return fail(errc::bad_config, "no serializer '" + with.serializer + "'", "task_serializer");
  auto text = how->write(body, false);
  if (!text) text = how->write(body, true);  // octets that are no text
  if (!text) return fail(text.error());
  broker::outgoing out;
  out.envelope.content_type = how->content_type;
  out.envelope.content_encoding = how->content_encoding;
  out.envelope.headers = std::move(headers);
  out.envelope.properties.delivery_mode = mode;
  out.envelope.properties.priority = 0;
  out.envelope.body = *std::move(text);
  out.must_route = false;
  return out;
}

expected<value> read_body(wire::envelope const& e, settings const& with) {
  auto const* how = wire::find_serializer(e.content_type);
  if (how == nullptr || !accepts(with.accept_content, how))
    return fail(errc::not_accepted, "content type '" + e.content_type + "' is not accepted", "accept_content");
  auto const* compression = find(e.headers, "compression");
  auto const* method = compression ? compression->get_if<std::string>() : nullptr;
  if (method == nullptr || method->empty()) return how->read(e.body);
  auto const body = wire::decompress(*method, e.body);
  if (!body) return fail(body.error());
  return how->read(*body);
}

}  // namespace

settings settings::of(config const& c) {
  settings out;
  out.exchange = c.control_exchange() + ".pidbox";
  out.reply_exchange = "reply." + out.exchange;
  auto const add = [&](char const* name, std::chrono::milliseconds ms) {
    if (ms.count() > 0) out.arguments.push_back({name, ms.count()});
  };
  add("x-expires", c.control_queue_expires());
  add("x-message-ttl", c.control_queue_ttl());
  out.durable = c.control_queue_durable();
  out.exclusive = c.control_queue_exclusive();
  if (out.durable && out.exclusive)
    throw error{errc::bad_config, "an exclusive queue cannot be durable; choose one", "control_queue_exclusive"};
  out.accept_content = c.accept_content();
  if (!accepts(out.accept_content, wire::find_serializer("json"))) out.serializer = c.task_serializer();
  return out;
}

broker::queue_spec request_queue(settings const& with, std::string const& node) {
  auto q = queue_of(with, node + "." + with.exchange);
  q.exchange = with.exchange;
  q.exchange_type = "fanout";
  return q;
}

broker::queue_spec reply_queue(settings const& with, std::string const& oid) {
  auto q = queue_of(with, oid + "." + with.reply_exchange);
  q.exchange = with.reply_exchange;
  q.routing_key = oid;
  return q;
}

expected<broker::outgoing> write(wire::control_request const& r, settings const& with) {
  auto out = message(r.body(), r.headers(), 2, with);
  if (out) out->exchange = with.exchange;
  return out;
}

expected<broker::outgoing> write(wire::control_reply const& r, wire::reply_address const& to, settings const& with) {
  auto out = message(r.body(), r.headers(), 1, with);
  if (out) out->exchange = to.exchange, out->routing_key = to.routing_key;
  return out;
}

expected<wire::control_request> read_request(wire::envelope const& e, settings const& with) {
  auto body = read_body(e, with);
  if (!body) return fail(body.error());
  return wire::control_request::from(*std::move(body), e.headers);
}

expected<wire::control_reply> read_reply(wire::envelope const& e, settings const& with) {
  auto body = read_body(e, with);
  if (!body) return fail(body.error());
  return wire::control_reply::from(*std::move(body), e.headers);
}

}  // namespace lovage::control_mail
