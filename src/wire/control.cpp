#include "wire/control.hpp"

#include "wire/fields.hpp"

#include <utility>

namespace lovage::wire {

namespace {

value or_null(std::optional<std::string> const& text) { return text ? value{*text} : value{}; }

void read_destination(value const& v, std::optional<std::vector<std::string>>& out, fields& in) {
  if (v.is_null()) return;
  out.emplace();
  if (auto const* one = v.get_if<std::string>()) {
    out->push_back(*one);
    return;
  }
  auto const* list = v.get_if<value::list>();
  if (list == nullptr) return in.wrong_kind("destination", v, "list or null");
  for (auto const& item : *list) {
    auto const* name = item.get_if<std::string>();
    if (name == nullptr) return in.wrong_kind("destination", item, "node names only");
    out->push_back(*name);
  }
}

void read_address(value const& v, std::optional<reply_address>& out, fields& in) {
  if (v.is_null()) return;
  if (!v.is<value::map>()) return in.wrong_kind("reply_to", v, "map or null");
  auto const* exchange = v.find("exchange");
  auto const* routing_key = v.find("routing_key");
  if (exchange == nullptr) return in.missing("reply_to.exchange");
  if (routing_key == nullptr) return in.missing("reply_to.routing_key");
  auto& address = out.emplace();
  in.text("reply_to.exchange", *exchange, address.exchange);
  in.text("reply_to.routing_key", *routing_key, address.routing_key);
}

void read_member(std::string const& key, value& v, control_request& out, fields& in) {
  if (key == "method") return in.name(key, v, out.method);
  if (key == "pattern") return in.text(key, v, out.pattern);
  if (key == "matcher") return in.text(key, v, out.matcher);
  if (key == "ticket") return in.text(key, v, out.ticket);
  if (key == "destination") return read_destination(v, out.destination, in);
  if (key == "reply_to") return read_address(v, out.reply_to, in);
  if (key == "arguments" && !v.is_null()) in.map(key, v, out.arguments);
}

std::optional<std::int64_t> read_clock(value::map const& headers) {
  auto const* clock = find(headers, "clock");
  auto const* number = clock != nullptr ? clock->get_if<std::int64_t>() : nullptr;
  return number != nullptr ? std::optional{*number} : std::nullopt;
}

}  // namespace

value control_request::body() const {
  value::map out{{"method", method}, {"arguments", arguments}, {"destination", value{}}};
  if (destination) {
    value::list names;
    for (auto const& name : *destination) names.emplace_back(name);
    out.back().val = std::move(names);
  }
  out.push_back({"pattern", or_null(pattern)});
  out.push_back({"matcher", or_null(matcher)});
  if (ticket) out.push_back({"ticket", *ticket});
  if (reply_to)
    out.push_back({"reply_to", value::map{{"exchange", reply_to->exchange}, {"routing_key", reply_to->routing_key}}});
  return out;
}

value::map control_request::headers() const {
  value::map out;
  if (clock) out.push_back({"clock", *clock});
  if (expires) out.push_back({"expires", *expires});
  return out;
}

expected<control_request> control_request::from(value body, value::map const& headers) {
  auto* m = body.get_if<value::map>();
  if (m == nullptr)
    return fail(errc::decode, std::string{"control request is "} + body.kind() + ", expected map", "request");
  control_request out;
  fields in{"request", "request key"};
  for (auto& [key, v] : *m) read_member(key, v, out, in);
  if (out.method.empty()) in.missing("method");
  out.clock = read_clock(headers);
  if (auto const* expires = find(headers, "expires")) in.number("headers.expires", *expires, out.expires);
  if (!in.ok()) return fail(in.take_error());
  return out;
}

value control_reply::body() const { return value::map{{node, payload}}; }

value::map control_reply::headers() const {
  value::map out;
  if (ticket) out.push_back({"ticket", *ticket});
  if (clock) out.push_back({"clock", *clock});
  return out;
}

expected<control_reply> control_reply::from(value body, value::map const& headers) {
  auto* m = body.get_if<value::map>();
  if (m == nullptr || m->size() != 1)
    return fail(errc::decode, "control reply is no map of one node to its answer", "reply");
  control_reply out;
  out.node = std::move(m->front().key);
  out.payload = std::move(m->front().val);
  out.clock = read_clock(headers);
  fields in{"reply", "reply key"};
  if (auto const* ticket = find(headers, "ticket")) in.text("headers.ticket", *ticket, out.ticket);
  if (!in.ok()) return fail(in.take_error());
  return out;
}

std::optional<std::string> control_reply::error() const {
  auto const* v = payload.find("error");
  auto const* text = v != nullptr ? v->get_if<std::string>() : nullptr;
  return text != nullptr ? std::optional{*text} : std::nullopt;
}

}  // namespace lovage::wire
