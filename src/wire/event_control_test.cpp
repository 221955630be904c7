#include "wire/control.hpp"
#include "wire/event.hpp"
#include "wire/json_members.hpp"
#include "wire/serializer.hpp"

#include <gtest/gtest.h>

namespace lovage::wire {
namespace {

TEST(Event, WrittenMembersReadLikeFields) {
  std::string written;
  json_members m{written};
  m.text("uuid", "a\"b\n\xc3\xa9");
  m.text("odd", "\xff");
  m.integer("n", -3);
  m.real("runtime", 0.25);
  m.flag("requeue", true);
  m.null("eta");
  event e{"task-x", "w@h", 1.5, 0, 4, 9, {{"first", 1}}, {}};
  e.members = std::move(written);
  value::map const wanted{{"first", 1},      {"uuid", "a\"b\n\xc3\xa9"}, {"odd", "?"}, {"n", -3},
                          {"runtime", 0.25}, {"requeue", true},          {"eta", {}}};
  auto const read = decode_events(*encode_events(std::vector{e, e}));
  ASSERT_TRUE(read);
  ASSERT_EQ(read->events.size(), 2U);
  EXPECT_EQ(read->events[1].fields, wanted);
  EXPECT_EQ(event::from_value(e.to_value())->fields, wanted);
  EXPECT_EQ(*encode_event(e), *to_json(e.to_value()));
  e.hostname.clear();
  EXPECT_EQ(decode_events(*encode_events(std::vector{e}, "sender@h"))->events[0].hostname, "sender@h");
}

TEST(Event, OfABatchKeepsWhoSentIt) {
  std::vector<event> const batch{{"t", "", {}, 0, 4, 1, {}, {}},     {"t", "", {}, 0, 4, 2, {}, {}},
                                 {"t", "a@h", {}, 0, 4, 3, {}, {}},  {"t", "a@h", {}, -5.5, 4, 4, {}, {}},
                                 {"t", "a@h", {}, {}, 5, 5, {}, {}}, {"t", "", {}, {}, {}, 6, {}, {}}};
  auto const read = decode_events(*encode_events(batch, "sender@h"));
  ASSERT_TRUE(read);
  ASSERT_EQ(read->events.size(), batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    auto wanted = batch[i];
    if (wanted.hostname.empty()) wanted.hostname = "sender@h";
    EXPECT_EQ(read->events[i], wanted) << i;
  }
}

TEST(Event, HasAnExactOffsetAsCeleryWritesItNow) {
  auto const exact = event::from_value(value::map{{"type", "t"}, {"hostname", "h"}, {"utcoffset", -5.5}});
  ASSERT_TRUE(exact);
  EXPECT_EQ(exact->utcoffset, -5.5);
  EXPECT_EQ(*exact->to_value().find("utcoffset"), value{-5.5});
  auto const whole = event::from_value(value::map{{"type", "t"}, {"hostname", "h"}, {"utcoffset", 5.0}});
  EXPECT_EQ(*whole->to_value().find("utcoffset"), value{5});
}

TEST(event, is_read_alone_or_in_a_batch) {
  auto const alone = decode_events(R"({"type": "task-started", "hostname": "w@h", "clock": "x", "uuid": "t"})");
  ASSERT_TRUE(alone) << alone.error().text();
  EXPECT_FALSE(alone->events.at(0).clock);
  EXPECT_EQ(alone->events.at(0).fields, (value::map{{"uuid", "t"}}));
  EXPECT_EQ(event_routing_key("task-started"), "task.started");
}

TEST(event, that_is_broken_does_not_spoil_its_neighbours) {
  auto const batch =
      decode_events(R"([{"type": "a", "hostname": "h"}, {"type": "b"}, 5, {"type": "c", "hostname": "h"}])");
  ASSERT_TRUE(batch) << batch.error().text();
  EXPECT_EQ(batch->events.size(), 2u);
  ASSERT_EQ(batch->refused.size(), 2u);
  EXPECT_EQ(batch->refused[0].where, "[1].event.hostname");
  EXPECT_EQ(batch->refused[1].where, "[2].event");
  EXPECT_EQ(decode_events("5").error().where, "body");
}

TEST(control_request, needs_a_method_only) {
  auto const r = control_request::from(from_json(R"({"method": "ping", "destination": "w@h"})").value(),
                                       {{"clock", "text"}, {"expires", 5}});
  ASSERT_TRUE(r) << r.error().text();
  EXPECT_EQ(r->destination, (std::vector<std::string>{"w@h"}));
  EXPECT_FALSE(r->clock);
  EXPECT_FALSE(r->reply_to);
  EXPECT_EQ(control_request::from(value{value::map{}}).error().where, "request.method");
  EXPECT_EQ(control_request::from(from_json(R"({"method": "x", "reply_to": {"exchange": "e"}})").value()).error().where,
            "request.reply_to.routing_key");
}

TEST(control_reply, is_one_node_and_its_answer) {
  control_reply const reply{"w@h", value::map{{"error", "KeyError('x')"}}, "ticket", 5};
  EXPECT_EQ(control_reply::from(reply.body(), reply.headers()).value(), reply);
  EXPECT_EQ(reply.error(), "KeyError('x')");
  EXPECT_FALSE(control_reply::from(value{value::map{}}));
}

}  // namespace
}  // namespace lovage::wire
