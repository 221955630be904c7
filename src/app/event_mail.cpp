#include "app/event_mail.hpp"

#include "core/ids.hpp"
#include "wire/serializer.hpp"

#include <ctime>
#include <utility>

namespace lovage::event_mail {
namespace {

void add_milliseconds(value::map& to, char const* name, std::chrono::duration<double> time) {
  if (time.count() > 0) to.push_back({name, static_cast<std::int64_t>(time.count() * 1000)});
}

expected<broker::outgoing> message(std::string const& sender, std::string key, expected<std::string> body,
                                   settings const& with) {
  if (!body) return fail(body.error());
  auto const* form = wire::find_serializer(with.serializer);
  broker::outgoing out;
  out.exchange = with.exchange;
  out.exchange_type = "topic";
  out.routing_key = std::move(key);
  out.must_route = false;
  out.envelope.content_type = form->content_type;
  out.envelope.content_encoding = form->content_encoding;
  out.envelope.headers = {{"hostname", sender}};
  out.envelope.properties.delivery_mode = 1;
  out.envelope.properties.priority = 0;
  out.envelope.body = *std::move(body);
  return out;
}

}  // namespace

settings settings::of(config const& c) {
  settings out;
  out.exchange = c.event_exchange();
  out.queue_prefix = c.event_queue_prefix();
  out.serializer = c.event_serializer();
  out.durable = c.event_queue_durable();
  out.exclusive = c.event_queue_exclusive();
  add_milliseconds(out.arguments, "x-expires", c.event_queue_expires());
  add_milliseconds(out.arguments, "x-message-ttl", c.event_queue_ttl());
  return out;
}

broker::queue_spec monitor_queue(settings const& with, std::string const& pattern) {
  broker::queue_spec out;
  out.name = queue_name{with.queue_prefix + "." + random_uuid().str()};
  out.exchange = with.exchange;
  out.exchange_type = "topic";
  out.routing_key = pattern;
  out.arguments = with.arguments;
  out.durable = with.durable;
  out.exclusive = with.exclusive;
  out.auto_delete = true;
  return out;
}

expected<broker::outgoing> write(wire::event const& e, settings const& with) {
  auto body = with.serializer == "json" ? wire::encode_event(e)
                                        : wire::find_serializer(with.serializer)->write(e.to_value(), false);
  return message(e.hostname, wire::event_routing_key(e.type), std::move(body), with);
}

expected<broker::outgoing> write(std::span<wire::event const> batch, std::string const& sender, settings const& with) {
  if (with.serializer == "json")
    return message(sender, wire::batch_routing_key, wire::encode_events(batch, sender), with);
  value::list all;
  all.reserve(batch.size());
  for (auto e : batch) {
    if (e.hostname.empty()) e.hostname = sender;
    all.push_back(std::move(e).to_value());
  }
  auto body = wire::find_serializer(with.serializer)->write(value{std::move(all)}, false);
  return message(sender, wire::batch_routing_key, std::move(body), with);
}

expected<wire::event_batch> read(wire::envelope const& e, settings const& with) {
  auto const* form = wire::find_serializer(e.content_type);
  bool const known = form && (form == wire::find_serializer("json") || form == wire::find_serializer(with.serializer));
  if (!known) return fail(errc::not_accepted, "events written as '" + e.content_type + "' are not read", "event");
  auto body = form->read(e.body);
  if (!body) return fail(body.error());
  return wire::to_events(*std::move(body));
}

double hours_west() noexcept {
  std::time_t const now = std::time(nullptr);
  std::tm local{};
  if (::localtime_r(&now, &local) == nullptr) return 0;
  return -static_cast<double>(local.tm_gmtoff) / 3600;
}

}  // namespace lovage::event_mail
