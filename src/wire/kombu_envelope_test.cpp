#include "wire/kombu_envelope.hpp"

#include <gtest/gtest.h>

namespace lovage::wire {
namespace {

constexpr char const* sound =
    R"({"body": "YWJj", "content-encoding": "utf-8", "content-type": "application/json", "headers": {}, )"
    R"("properties": {"correlation_id": "c", "delivery_mode": 2, "delivery_info": {"exchange": "", )"
    R"("routing_key": "q"}, "priority": 0, "body_encoding": "base64", "delivery_tag": "t"}})";

std::string with(std::string_view from, std::string_view to) {
  std::string text = sound;
  auto const at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

void expect_refused(std::string const& text, std::string_view where) {
  auto const m = from_kombu_json(text);
  ASSERT_FALSE(m) << text;
  EXPECT_EQ(m.error().code, errc::decode);
  EXPECT_EQ(m.error().where, where) << m.error().text();
}

TEST(kombu_envelope, is_written_as_it_was_read) {
  auto const m = from_kombu_json(sound);
  ASSERT_TRUE(m) << m.error().text();
  EXPECT_EQ(m->message.body, "abc");
  EXPECT_EQ(m->delivery.routing_key, "q");
  EXPECT_EQ(to_kombu_json(m->message, m->delivery).value(), sound);
}

TEST(kombu_envelope, carries_any_bytes_and_a_redelivery) {
  envelope e;
  e.content_type = "application/x-msgpack";
  e.content_encoding = "binary";
  e.body = std::string{"\0\xff\x80", 3};
  e.properties.extra = {{"periodic_task_name", "nightly"}};
  kombu_delivery const d{"", "q", "tag", true};
  auto const m = from_kombu_json(to_kombu_json(e, d).value());
  ASSERT_TRUE(m) << m.error().text();
  EXPECT_EQ(m->delivery, d);
  EXPECT_EQ(m->message.body, e.body);
  EXPECT_EQ(m->message.properties, e.properties);
  EXPECT_EQ(*find(m->message.headers, "redelivered"), value{true});
}

TEST(kombu_envelope, reads_what_a_worker_forgives) {
  EXPECT_EQ(from_kombu_json(with(R"("body_encoding": "base64", )", "")).value().message.body, "YWJj");
  EXPECT_EQ(from_kombu_json(with(R"("base64")", R"("utf-8")")).value().message.body, "YWJj");
  EXPECT_FALSE(from_kombu_json(with(R"("priority": 0, )", "")).value().message.properties.priority);
  EXPECT_EQ(from_kombu_json(with(R"("delivery_tag": "t")", R"("delivery_tag": 7)")).value().delivery.delivery_tag, "7");
  EXPECT_TRUE(from_kombu_json(with(R"("headers": {}, )", "")).value().message.headers.empty());
  EXPECT_TRUE(from_kombu_json(with(R"("headers": {})", R"("headers": null)")).value().message.headers.empty());
}

TEST(kombu_envelope, names_what_ends_a_python_worker) {
  expect_refused(with(R"(, "delivery_tag": "t")", ""), "properties.delivery_tag");
  expect_refused(with(R"("exchange": "", )", ""), "properties.delivery_info.exchange");
  expect_refused(with(R"("delivery_info": {"exchange": "", "routing_key": "q"}, )", ""), "properties.delivery_info");
  expect_refused(with(R"("YWJj")", R"("YWJ!")"), "body");
  expect_refused(with(R"("body": "YWJj", )", ""), "body");
  expect_refused(with(R"("base64")", R"("rot13")"), "properties.body_encoding");
  expect_refused(with(R"("priority": 0)", R"("priority": {})"), "properties.priority");
  expect_refused(with(R"("delivery_mode": 2)", R"("delivery_mode": 300)"), "properties.delivery_mode");
  expect_refused(R"({"body": ""})", "properties");
  expect_refused(R"([])", "envelope");
  EXPECT_FALSE(from_kombu_json("{"));
}

}  // namespace
}  // namespace lovage::wire
