// Queues and messages of remote control against those of a real Celery (tests/golden/pidbox).
#include "app/mailbox.hpp"

#include "wire/serializer.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace lovage::control_mail {
namespace {

value golden(std::string const& name) {
  std::ifstream in{std::string{LOVAGE_SOURCE_DIR} + "/tests/golden/pidbox/" + name};
  std::stringstream text;
  text << in.rdbuf();
  return wire::from_json(text.str(), true).value();
}

std::string text_of(value const& v) { return *v.get_if<std::string>(); }

TEST(Mailbox, IsDeclaredAsCeleryDeclaresIt) {
  auto const with = settings::of(config{});
  auto const captured = golden("addressing.json");
  auto const oid = "1791d048-f2b9-3836-ada9-a6a0a2bdae4f";
  auto const q = reply_queue(with, oid);
  for (auto const& m : *captured.find("client_methods")->get_if<value::list>()) {
    auto const& args = *m.find("args");
    auto const method = text_of(*m.find("method"));
    if (method == "queue.declare") {
      EXPECT_EQ(q.name.str(), text_of(*args.find("queue")));
      EXPECT_EQ(value{q.durable}, *args.find("durable"));
      EXPECT_EQ(value{q.exclusive}, *args.find("exclusive"));
      EXPECT_EQ(value{q.auto_delete}, *args.find("auto_delete"));
      for (auto const& [key, typed] : *args.find("arguments")->get_if<value::map>())
        EXPECT_EQ(*find(q.arguments, key), (*typed.get_if<value::list>())[1]) << key;
    } else if (method == "queue.bind") {
      EXPECT_EQ(q.exchange, text_of(*args.find("exchange")));
      EXPECT_EQ(q.routing_key, text_of(*args.find("routing_key")));
    } else if (text_of(*args.find("type")) == "fanout") {
      EXPECT_EQ(request_queue(with, "w1@wirehost").exchange, text_of(*args.find("exchange")));
    }
  }
  EXPECT_EQ(request_queue(with, "w1@wirehost").name, queue_name{"w1@wirehost.celery.pidbox"});
  EXPECT_EQ(request_queue(with, "w1@wirehost").exchange_type, "fanout");
  EXPECT_FALSE(request_queue(with, "w1@wirehost").exchange_durable);
}

TEST(Mailbox, WritesAndReadsWhatCeleryDoes) {
  auto const with = settings::of(config{});
  auto const commands = golden("commands.json");
  auto const& ping = (*commands.find("commands")->get_if<value::list>())[0];
  for (auto const* which : {"request_message", "reply_message"}) {
    auto const& m = *ping.find(which);
    wire::envelope e;
    e.content_type = text_of(*m.find("properties")->find("content_type"));
    for (auto const& [key, typed] : *m.find("headers_typed")->get_if<value::map>())
      e.headers.push_back({key, (*typed.get_if<value::list>())[1]});
    e.body = wire::to_json(*m.find("body")).value();
    bool const asks = std::string_view{which} == "request_message";
    auto const out = asks ? write(read_request(e, with).value(), with)
                          : write(read_reply(e, with).value(), {"reply.celery.pidbox", "oid"}, with);
    EXPECT_EQ(out->envelope.body, e.body);
    EXPECT_EQ(out->envelope.headers, e.headers);
    EXPECT_EQ(value{int{out->envelope.properties.delivery_mode}}, *m.find("properties")->find("delivery_mode"));
    EXPECT_EQ(out->envelope.properties.priority, 0);
    EXPECT_EQ(out->exchange, text_of(*m.find("exchange")));
    EXPECT_FALSE(out->must_route);
  }
}

TEST(Mailbox, FollowsTheSettings) {
  auto const with = settings::of(config{}
                                     .control_exchange("shop")
                                     .control_queue_ttl(std::chrono::seconds{0})
                                     .control_queue_expires(std::chrono::seconds{60})
                                     .control_queue_durable(true)
                                     .accept_content({"msgpack"})
                                     .task_serializer("msgpack"));
  auto const q = request_queue(with, "w1@host");
  EXPECT_EQ(q.exchange, "shop.pidbox");
  EXPECT_EQ(q.name, queue_name{"w1@host.shop.pidbox"});
  EXPECT_EQ(q.arguments, (value::map{{"x-expires", 60'000}}));
  EXPECT_TRUE(q.durable);
  EXPECT_FALSE(q.auto_delete);
  wire::control_request r;
  r.method = "ping";
  auto const sent = write(r, with).value();
  EXPECT_EQ(sent.envelope.content_type, "application/x-msgpack");
  EXPECT_EQ(read_request(sent.envelope, with)->method, "ping");
  EXPECT_EQ(read_request(sent.envelope, settings::of(config{})).error().code, errc::not_accepted);
  EXPECT_THROW((void)settings::of(config{}.control_queue_durable(true).control_queue_exclusive(true)), error);
}

TEST(Mailbox, SpeaksJsonWhereItMay) {
  auto const with = settings::of(config{}.task_serializer("msgpack").accept_content({"msgpack", "json"}));
  EXPECT_EQ(with.serializer, "json");
}

}  // namespace
}  // namespace lovage::control_mail
