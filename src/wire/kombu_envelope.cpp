#include "wire/kombu_envelope.hpp"

#include "wire/base64.hpp"
#include "wire/fields.hpp"
#include "wire/serializer.hpp"

#include <utility>

namespace lovage::wire {

namespace {

value::map delivery_info(kombu_delivery const& d) {
  value::map info{{"exchange", d.exchange}, {"routing_key", d.routing_key}};
  if (d.redelivered) info.push_back({"redelivered", true});
  return info;
}

value::map write_properties(properties&& p, kombu_delivery const& d) {
  value::map out;
  out.reserve(8 + p.extra.size());
  if (!p.correlation_id.empty()) out.push_back({"correlation_id", std::move(p.correlation_id)});
  if (!p.reply_to.empty()) out.push_back({"reply_to", std::move(p.reply_to)});
  for (auto& item : p.extra) out.push_back(std::move(item));
  out.push_back({"delivery_mode", p.delivery_mode});
  if (!p.expiration.empty()) out.push_back({"expiration", std::move(p.expiration)});
  out.push_back({"delivery_info", delivery_info(d)});
  if (p.priority) out.push_back({"priority", *p.priority});
  out.push_back({"body_encoding", "base64"});
  out.push_back({"delivery_tag", d.delivery_tag});
  return out;
}

void read_delivery_info(value& v, kombu_delivery& out, fields& in) {
  if (!v.is<value::map>()) return in.wrong_kind("delivery_info", v, "map");
  auto const* exchange = v.find("exchange");
  auto const* routing_key = v.find("routing_key");
  if (exchange == nullptr) return in.missing("delivery_info.exchange");
  if (routing_key == nullptr) return in.missing("delivery_info.routing_key");
  // kombu writes null for the default exchange of some senders.
  if (!exchange->is_null()) in.text("delivery_info.exchange", *exchange, out.exchange);
  if (!routing_key->is_null()) in.text("delivery_info.routing_key", *routing_key, out.routing_key);
  if (auto const* again = v.find("redelivered")) in.boolean("delivery_info.redelivered", *again, out.redelivered);
}

void read_tag(value const& v, kombu_delivery& out, fields& in) {
  if (auto const* number = v.get_if<std::int64_t>()) {
    out.delivery_tag = std::to_string(*number);
  } else {
    in.name("delivery_tag", v, out.delivery_tag);
  }
}

void read_optional(std::string_view key, value const& v, std::string& out, fields& in) {
  if (!v.is_null()) in.text(key, v, out);
}

void read_small(std::string_view key, value const& v, int low, int high, std::optional<int>& out, fields& in) {
  std::optional<std::int64_t> read;
  in.integer(key, v, read);
  if (!read) return;
  if (*read < low || *read > high)
    return in.refuse(key, "is outside " + std::to_string(low) + " to " + std::to_string(high));
  out = static_cast<int>(*read);
}

/// Python writes the expiration as text; a number means the same.
void read_expiration(value const& v, std::string& out, fields& in) {
  if (auto const* number = v.get_if<std::int64_t>()) {
    out = std::to_string(*number);
  } else {
    read_optional("expiration", v, out, in);
  }
}

/// One property; `body_encoding` goes to its own place, what kombu does not know is kept as it is.
void read_property(value::member& item, kombu_message& out, std::string& body_encoding, fields& in) {
  auto& [key, v] = item;
  auto& p = out.message.properties;
  std::optional<int> mode;
  if (key == "correlation_id") return read_optional(key, v, p.correlation_id, in);
  if (key == "reply_to") return read_optional(key, v, p.reply_to, in);
  if (key == "priority") return read_small(key, v, INT32_MIN, INT32_MAX, p.priority, in);
  if (key == "delivery_info") return read_delivery_info(v, out.delivery, in);
  if (key == "delivery_tag") return read_tag(v, out.delivery, in);
  if (key == "body_encoding") return read_optional(key, v, body_encoding, in);
  if (key == "expiration") return read_expiration(v, p.expiration, in);
  if (key != "delivery_mode") return p.extra.push_back(std::move(item));
  read_small(key, v, 0, UINT8_MAX, mode, in);
  if (mode) p.delivery_mode = static_cast<std::uint8_t>(*mode);
}

expected<void> read_properties(value* v, kombu_message& out, std::string& body_encoding) {
  fields in{"properties", "property"};
  if (v == nullptr || v->is_null()) return fail(errc::decode, "envelope key 'properties' is missing", "properties");
  auto* m = v->get_if<value::map>();
  if (m == nullptr) return fail(errc::decode, "envelope key 'properties' is no map", "properties");
  bool tag = false, info = false;
  for (auto& item : *m) {
    tag = tag || item.key == "delivery_tag";
    info = info || item.key == "delivery_info";
    read_property(item, out, body_encoding, in);
  }
  if (!tag) in.missing("delivery_tag");
  if (!info) in.missing("delivery_info");
  if (!in.ok()) return fail(in.take_error());
  return {};
}

expected<void> read_body(value* v, std::string_view encoding, std::string& out) {
  if (v == nullptr || v->is_null()) return fail(errc::decode, "envelope key 'body' is missing", "body");
  auto* text = v->get_if<std::string>();
  if (text == nullptr) return fail(errc::decode, std::string{"body is "} + v->kind() + ", expected str", "body");
  if (encoding.empty() || encoding == "utf-8") {
    out = std::move(*text);
    return {};
  }
  if (encoding != "base64")
    return fail(errc::decode, "body_encoding '" + std::string{encoding} + "' is not known", "properties.body_encoding");
  auto decoded = from_base64(*text);
  if (!decoded) return fail(errc::decode, "body is no base64, which body_encoding promises", "body");
  out = std::move(*decoded);
  return {};
}

void read_headers(value* v, value::map& out, fields& in) {
  if (v != nullptr && !v->is_null()) in.map("headers", *v, out);
}

}  // namespace

expected<std::string> to_kombu_json(envelope const& message, kombu_delivery const& delivery) {
  envelope head{message.content_type, message.content_encoding, message.headers, message.properties, {}};
  return to_kombu_json(std::move(head), message.body, delivery);
}

// The body is written where it is to stand: a batch of events has a hundred kilobytes.
expected<std::string> to_kombu_json(envelope head, std::string_view body, kombu_delivery const& delivery) {
  if (delivery.redelivered && find(head.headers, "redelivered") == nullptr)
    head.headers.push_back({"redelivered", true});
  value::map rest;
  rest.reserve(4);
  rest.push_back({"content-encoding", std::move(head.content_encoding)});
  rest.push_back({"content-type", std::move(head.content_type)});
  rest.push_back({"headers", std::move(head.headers)});
  rest.push_back({"properties", write_properties(std::move(head.properties), delivery)});
  auto const text = to_json(value{std::move(rest)});
  if (!text) return fail(text.error());
  std::string out = R"({"body": ")";
  out.reserve(out.size() + (body.size() + 2) / 3 * 4 + text->size() + 2);
  append_base64(out, body);
  out += "\", ";
  out.append(*text, 1);  // its brace is ours
  return out;
}

expected<kombu_message> from_kombu_value(value&& v) {
  if (!v.is<value::map>())
    return fail(errc::decode, std::string{"envelope is "} + v.kind() + ", expected map", "envelope");
  kombu_message out;
  std::string body_encoding;
  fields in{"envelope", "envelope key"};
  if (auto const* type = v.find("content-type")) read_optional("content-type", *type, out.message.content_type, in);
  if (auto const* encoding = v.find("content-encoding"))
    read_optional("content-encoding", *encoding, out.message.content_encoding, in);
  read_headers(v.find("headers"), out.message.headers, in);
  if (!in.ok()) return fail(in.take_error());
  if (auto read = read_properties(v.find("properties"), out, body_encoding); !read) return fail(read.error());
  if (auto read = read_body(v.find("body"), body_encoding, out.message.body); !read) return fail(read.error());
  return out;
}

expected<kombu_message> from_kombu_json(std::string_view text) {
  auto v = from_json(text);
  if (!v) {
    auto error = v.error();
    if (error.where.empty()) error.where = "envelope";
    return fail(std::move(error));
  }
  return from_kombu_value(std::move(*v));
}

}  // namespace lovage::wire
