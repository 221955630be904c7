// Checking: each find is decoded, encoded again and compared with what Python wrote.
//
// Exempted from "written back as captured", each with its reason:
//  - headers replaced_task_nesting 0, stamped_headers null, stamps {}: what Celery 5.3 and later send with every plain
//    message. lovage leaves them out until one says something; every reader takes a missing one as this default.
//  - header redelivered: says something about one delivery, not about the task; it stays in the envelope.
//  - YAML bodies: Python sorts the keys, lovage keeps their order; the values are compared.
//  - compressed bodies: the streams differ between libraries; the decompressed bytes are compared.
//  - v5.6/quorum-delayed.json: the capture kept three of the headers; those three are compared.
//  - protocol 1 is read only: what was read is written as protocol 2 and read again.
#include "golden.hpp"

#include "wire/base64.hpp"
#include "wire/control.hpp"
#include "wire/event.hpp"
#include "wire/kombu_envelope.hpp"
#include "wire/result_record.hpp"
#include "wire/result_tuple.hpp"
#include "wire/serializer.hpp"
#include "wire/signature.hpp"
#include "wire/signed.hpp"
#include "wire/task_message.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace lovage::golden {

namespace {

wire::decode_options accept_all() { return {{"json", "msgpack", "yaml"}}; }

bool is_default_of_newer_header(value::member const& item) {
  return (item.key == "replaced_task_nesting" && item.val == value{0}) ||
         (item.key == "stamped_headers" && item.val.is_null()) ||
         (item.key == "stamps" && item.val == value{value::map{}});
}

/// The headers that lovage writes for a task that came with `headers`.
value::map expected_headers(value::map headers) {
  std::erase_if(headers, [](value::member const& item) { return item.key == "redelivered"; });
  if (std::count_if(headers.begin(), headers.end(), is_default_of_newer_header) == 3)
    std::erase_if(headers, is_default_of_newer_header);
  return headers;
}

void expect_same_headers(value::map const& ours, value::map const& python) {
  if (find(python, "lang") == nullptr) {  // an excerpt
    for (auto const& [key, v] : python) {
      auto const* written = find(ours, key);
      EXPECT_TRUE(written != nullptr && *written == v) << key;
    }
    return;
  }
  EXPECT_EQ(show(ours), show(expected_headers(python)));
  EXPECT_TRUE(ours == expected_headers(python));
}

std::string compression_of(wire::envelope const& message) {
  auto const* name = find(message.headers, "compression");
  return name != nullptr ? *name->get_if<std::string>() : std::string{};
}

std::string plain_body(wire::envelope const& message) {
  auto const method = compression_of(message);
  if (method.empty()) return message.body;
  auto plain = wire::decompress(method, message.body);
  EXPECT_TRUE(plain.has_value()) << plain.error().text();
  return plain.value_or("");
}

void expect_same_body(wire::envelope const& ours, wire::envelope const& python) {
  auto const a = plain_body(ours), b = plain_body(python);
  if (python.content_type != "application/x-yaml") {
    EXPECT_EQ(a, b);
    return;
  }
  auto const x = wire::from_yaml(a), y = wire::from_yaml(b);
  ASSERT_TRUE(x && y);
  EXPECT_TRUE(same_but_for_order(*x, *y)) << a << "\n" << b;
}

/// Every member of the body, read without the code under test.
value body_value(wire::envelope const& message) {
  auto v = wire::find_serializer(message.content_type)->read(plain_body(message));
  EXPECT_TRUE(v.has_value()) << v.error().text();
  return v ? *v : value{};
}

}  // namespace

void walker::task(wire::envelope const& message) {
  if (message.content_type == "application/x-python-serialize") {
    ++counted_["pickle"];
    wire::decode_options const options{{"json", "pickle", "application/x-python-serialize"}};
    auto const refused = wire::decode_task(message, options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::not_accepted);
    EXPECT_NE(refused.error().detail.find("accept_content"), std::string::npos) << refused.error().detail;
    return;
  }
  if (message.headers.empty() || find(message.headers, "task") == nullptr) return protocol_1(message);
  protocol_2(message);
}

void walker::protocol_2(wire::envelope const& message) {
  ++counted_["task"];
  auto const decoded = wire::decode_task(message, accept_all());
  ASSERT_TRUE(decoded) << decoded.error().text();
  auto const* s = wire::find_serializer(message.content_type);
  auto const encoded = wire::encode_task(*decoded, {s->name, compression_of(message), false});
  ASSERT_TRUE(encoded) << encoded.error().text();
  EXPECT_EQ(encoded->content_type, message.content_type);
  EXPECT_EQ(encoded->content_encoding, message.content_encoding);
  EXPECT_EQ(encoded->properties, message.properties);
  expect_same_headers(encoded->headers, message.headers);
  expect_same_body(*encoded, message);
  auto const again = wire::decode_task(*encoded, accept_all());
  ASSERT_TRUE(again) << again.error().text();
  auto const twice = wire::encode_task(*again, {s->name, compression_of(message), false});
  EXPECT_TRUE(twice.value() == *encoded);
  bool const unequal_to_itself = plain_body(message).find("NaN") != std::string::npos;
  EXPECT_TRUE(*again == *decoded || unequal_to_itself);
  walk(body_value(message));
}

void walker::protocol_1(wire::envelope const& message) {
  ++counted_["protocol_1"];
  auto const decoded = wire::decode_task(message, accept_all());
  ASSERT_TRUE(decoded) << decoded.error().text();
  auto const body = body_value(message);
  EXPECT_EQ(decoded->protocol, 1);
  EXPECT_EQ(value{decoded->task}, *body.find("task"));
  EXPECT_EQ(value{decoded->id.str()}, *body.find("id"));
  EXPECT_EQ(value{decoded->args}, *body.find("args"));
  EXPECT_EQ(value{decoded->kwargs}, *body.find("kwargs"));
  EXPECT_EQ(decoded->eta ? value{wire::to_iso(*decoded->eta)} : value{}, *body.find("eta"));
  EXPECT_EQ(decoded->expires ? value{wire::to_iso(*decoded->expires)} : value{}, *body.find("expires"));
  EXPECT_EQ(decoded->group ? value{*decoded->group} : value{}, *body.find("taskset"));
  EXPECT_EQ(decoded->embed.chord, *body.find("chord"));
  auto const callbacks = decoded->embed.callbacks;
  EXPECT_EQ(callbacks.empty() ? value{} : value{callbacks}, *body.find("callbacks"));
  auto const encoded = wire::encode_task(*decoded, {});
  ASSERT_TRUE(encoded) << encoded.error().text();
  auto again = wire::decode_task(*encoded, accept_all());
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->protocol, 2);
  again->protocol = 1;
  EXPECT_TRUE(*again == *decoded);
  // A protocol 1 body has the keys of a signature; only what is inside is one.
  for (auto const* key : {"callbacks", "errbacks", "chord"}) walk(*body.find(key));
}

void walker::envelope(std::string_view text) {
  ++counted_["envelope"];
  auto const read = wire::from_kombu_json(text);
  ASSERT_TRUE(read) << read.error().text() << "\n" << text;
  auto const written = wire::to_kombu_json(read->message, read->delivery);
  ASSERT_TRUE(written) << written.error().text();
  EXPECT_EQ(*written, text);
  auto const& exchange = read->delivery.exchange;
  if (exchange == "celeryev" || exchange.ends_with("celery.pidbox")) return body_of_others(read->message);
  task(read->message);
}

void walker::record(std::string_view text, std::string_view serializer) {
  ++counted_[serializer == "pickle" ? "pickle" : "record"];
  auto const read = wire::decode_record(text, serializer);
  if (serializer == "pickle") {
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().detail.find("result_serializer"), std::string::npos);
    return;
  }
  ASSERT_TRUE(read) << read.error().text() << "\n" << text;
  auto const written = wire::encode_record(*read, serializer);
  ASSERT_TRUE(written) << written.error().text();
  if (serializer == "yaml") {
    EXPECT_TRUE(same_but_for_order(*wire::from_yaml(*written), *wire::from_yaml(text))) << *written;
  } else {
    EXPECT_EQ(*written, text);
  }
  EXPECT_TRUE(wire::decode_record(*written, serializer).value() == *read);
  if (read->status == wire::state::failure || read->status == wire::state::retry) {
    auto const exception = wire::exception_info::from_value(read->result);
    ASSERT_TRUE(exception.has_value()) << text;
    EXPECT_TRUE(same_but_for_order(exception->to_value(), read->result));
  }
  if (!read->children.is_null())
    for (auto const& child : *read->children.get_if<value::list>()) tuple(child);
}

void walker::rpc_record(value const& v) {
  ++counted_["rpc"];
  auto const read = wire::to_record(value{v});
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(show(wire::to_rpc_value(*read)), show(v));
}

void walker::group_record(std::string_view text) {
  ++counted_["group"];
  auto const read = wire::decode_group(text);
  ASSERT_TRUE(read) << read.error().text() << "\n" << text;
  EXPECT_EQ(wire::encode_group(*read).value(), text);
}

void walker::tuple(value const& v) {
  ++counted_["tuple"];
  auto const read = wire::result_tuple::from_value(v);
  ASSERT_TRUE(read) << read.error().text() << "\n" << show(v);
  EXPECT_EQ(show(read->to_value()), show(v));
}

void walker::signature(value const& v) {
  ++counted_["signature"];
  auto const read = wire::signature::from_value(v);
  ASSERT_TRUE(read) << read.error().text() << "\n" << show(v);
  EXPECT_EQ(show(read->to_value()), show(v));
  using enum wire::signature_kind;
  switch (read->kind()) {
    case task: break;
    case chain: EXPECT_EQ(show(wire::make_chain(*wire::members(*read)).kwargs), show(read->kwargs)); break;
    case group: EXPECT_TRUE(wire::members(*read)) << wire::members(*read).error().text(); break;
    case chord: EXPECT_TRUE(wire::split_chord(*read)) << wire::split_chord(*read).error().text(); break;
    case map:
    case starmap:
    case chunks: {
      auto const parts = wire::split_map(*read);
      ASSERT_TRUE(parts) << parts.error().text();
      EXPECT_EQ(show(wire::make_map(read->kind(), parts->task, parts->items, parts->chunk_size).to_value()), show(v));
    }
  }
}

void walker::event(value const& v) {
  ++counted_["event"];
  auto const read = wire::event::from_value(v);
  ASSERT_TRUE(read) << read.error().text() << "\n" << show(v);
  EXPECT_EQ(show(read->to_value()), show(v));
  auto const alone = wire::decode_events(wire::encode_event(*read).value());
  ASSERT_TRUE(alone && alone->events.size() == 1);
  EXPECT_TRUE(alone->events.front() == *read);
  for (auto const& [key, item] : read->fields) walk(item);
}

void walker::batch(value const& v) {
  ++counted_["batch"];
  auto const read = wire::to_events(v);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_TRUE(read->refused.empty());
  EXPECT_EQ(wire::encode_events(read->events).value(), show(v));
  for (auto const& item : *v.get_if<value::list>()) event(item);
}

void walker::request(value const& v, value::map const& headers) {
  ++counted_["request"];
  auto const read = wire::control_request::from(v, headers);
  ASSERT_TRUE(read) << read.error().text() << "\n" << show(v);
  EXPECT_EQ(show(read->body()), show(v));
  EXPECT_EQ(show(read->headers()), show(headers));
  for (auto const& [key, item] : read->arguments) walk(item);
}

void walker::reply(value const& v, value::map const& headers) {
  ++counted_["reply"];
  auto const read = wire::control_reply::from(v, headers);
  ASSERT_TRUE(read) << read.error().text() << "\n" << show(v);
  EXPECT_EQ(show(read->body()), show(v));
  EXPECT_EQ(show(read->headers()), show(headers));
}

/// security/auth.json: verified with the certificate beside it; a changed body, signature or stranger is refused.
void walker::signed_message(value const& capture) {
  ++counted_["signed"];
  auto const& captured = *capture.find("message");
  wire::envelope message;
  message.content_type = "application/data";
  message.content_encoding = "utf-8";
  message.headers = untyped_table(*captured.find("headers"));
  message.body = wire::from_base64(*captured.find("body_base64")->get_if<std::string>()).value_or("");
  message.properties.correlation_id = *captured.find("properties")->find("correlation_id")->get_if<std::string>();

  wire::certificate_store store;
  EXPECT_EQ(wire::open_signed(message, store).error().code, errc::not_accepted) << "unknown signer";
  auto const& pem = *capture.find("certificate_pem")->get_if<std::string>();
  auto const captured_at = time_point{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24}};
  auto const id = store.add_pem(pem, captured_at);
  ASSERT_TRUE(id) << id.error().text();
  EXPECT_EQ(store.add_pem(pem, captured_at + std::chrono::years{11}).error().code, errc::bad_config) << "expired";

  auto const opened = wire::open_signed(message, store);
  ASSERT_TRUE(opened) << opened.error().text();
  auto const& fields = *capture.find("fields_split_on_0001")->get_if<value::list>();
  EXPECT_EQ(value{opened->content_type}, fields[2]);
  EXPECT_EQ(value{opened->content_encoding}, fields[3]);
  EXPECT_EQ(value{opened->body}, fields[4]);
  protocol_2(*opened);

  auto raw = wire::from_base64(message.body).value();
  raw[raw.size() - 20] = static_cast<char>(raw[raw.size() - 20] ^ 1);
  EXPECT_EQ(store.verify(wire::to_base64(raw)).error().code, errc::not_accepted) << "changed payload";
  EXPECT_EQ(store.verify(message.body.substr(0, 100)).error().code, errc::decode) << "cut short";
}

}  // namespace lovage::golden
