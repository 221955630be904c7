#include "broker/amqp/content.hpp"

#include "broker/amqp/table.hpp"

#include <gmock/gmock.h>

namespace lovage::broker::amqp {
namespace {

using namespace std::chrono_literals;

std::string encode(amqp_basic_properties_t const& p) {
  std::string out(1U << 16, '\0');
  auto const n =
      amqp_encode_properties(AMQP_BASIC_CLASS, const_cast<amqp_basic_properties_t*>(&p), {out.size(), out.data()});
  EXPECT_GE(n, 0);
  out.resize(static_cast<std::size_t>(std::max(n, 0)));
  return out;
}

arrival round_trip(wire::envelope const& e, std::optional<int> priority = {}, value::map const& added = {}) {
  arena memory;
  auto const bytes = encode(to_properties(e, priority, added, memory).value());
  return read_properties(bytes, memory);
}

wire::envelope sample() {
  wire::envelope e;
  e.content_type = "application/json";
  e.content_encoding = "utf-8";
  e.headers = {{"task", "shop.add"}, {"eta", nullptr}};
  e.properties.correlation_id = "id";
  e.properties.reply_to = "here";
  e.properties.priority = 4;
  e.properties.delivery_mode = 1;
  e.properties.expiration = "1000";
  e.properties.extra = {{"message_id", "m"}, {"type", "t"},       {"user_id", "guest"},
                        {"app_id", "a"},     {"cluster_id", "c"}, {"timestamp", 1'600'000'000}};
  return e;
}

TEST(AmqpContent, keeps_every_property) {
  auto const a = round_trip(sample());
  EXPECT_TRUE(a.readable);
  EXPECT_EQ(a.envelope, sample());
  EXPECT_EQ(a.attempts, 0U);
  EXPECT_FALSE(a.due);
}

TEST(AmqpContent, sends_no_property_that_is_not_set) {
  wire::envelope e;
  arena memory;
  auto const p = to_properties(e, {}, {}, memory).value();
  EXPECT_EQ(p._flags, static_cast<amqp_flags_t>(AMQP_BASIC_DELIVERY_MODE_FLAG));
  EXPECT_EQ(round_trip(e).envelope, e);
}

TEST(AmqpContent, drops_properties_that_amqp_does_not_know) {
  wire::envelope e;
  e.properties.extra = {{"periodic_task_name", "hourly"}, {"timestamp", "not a time"}};
  EXPECT_TRUE(round_trip(e).envelope.properties.extra.empty());
}

TEST(AmqpContent, lets_a_given_priority_go_first) {
  EXPECT_EQ(round_trip(sample(), 9).envelope.properties.priority, 9);
  EXPECT_EQ(round_trip({}, 9).envelope.properties.priority, 9);
}

TEST(AmqpContent, takes_its_own_headers_off_again) {
  auto const a = round_trip(sample(), {}, {{own::attempts, 3}, {own::due, 1'600'000'000'000'000}, {own::dead_id, 7}});
  EXPECT_EQ(a.envelope.headers, sample().headers);
  EXPECT_EQ(a.attempts, 3U);
  EXPECT_EQ(a.due, time_point{1'600'000'000s});
  EXPECT_EQ(find(a.own, own::dead_id)->get_if<std::int64_t>()[0], 7);
}

TEST(AmqpContent, reads_when_a_message_is_due_from_its_eta) {
  auto e = sample();
  e.headers[1].val = "2020-09-13T12:26:40.250000+00:00";
  EXPECT_EQ(round_trip(e).due, time_point{1'600'000'000'250ms});
  EXPECT_EQ(round_trip(e, {}, {{own::due, 5}}).due, time_point{5us});
  e.headers[1].val = "tomorrow";
  EXPECT_FALSE(round_trip(e).due);
  e.headers[1].val = 17;
  EXPECT_FALSE(round_trip(e).due);
}

TEST(AmqpContent, survives_odd_values_of_its_own_headers) {
  EXPECT_EQ(round_trip(sample(), {}, {{own::attempts, "many"}}).attempts, 0U);
  EXPECT_EQ(round_trip(sample(), {}, {{own::attempts, -5}}).attempts, 0U);
  EXPECT_EQ(round_trip(sample(), {}, {{own::attempts, 1LL << 40}}).attempts, 0xffffffffU);
}

TEST(AmqpContent, drops_the_traces_of_the_delay_queues_but_not_of_others) {
  auto e = sample();
  auto const death = [](char const* queue) { return value::map{{"queue", queue}, {"reason", "expired"}}; };
  e.headers.push_back({"x-death", value::list{death("celery_delayed_3"), death("celery_delayed_0")}});
  e.headers.push_back({"x-first-death-queue", "celery_delayed_3"});
  e.headers.push_back({"x-first-death-reason", "expired"});
  e.headers.push_back({"x-delivery-count", 2});
  EXPECT_EQ(round_trip(e).envelope.headers, sample().headers);

  e = sample();
  e.headers.push_back({"x-death", value::list{death("celery_delayed_3"), death("mine")}});
  e.headers.push_back({"x-first-death-queue", "mine"});
  auto const headers = round_trip(e).envelope.headers;
  EXPECT_EQ(*find(headers, "x-death"), (value{value::list{death("mine")}}));
  EXPECT_EQ(*find(headers, "x-first-death-queue"), value{"mine"});
}

TEST(AmqpContent, says_so_when_properties_cannot_be_read) {
  arena memory;
  for (std::string const& bad : {std::string{}, std::string{"\xff"}, std::string{"\x20\x00\x00\x00\x00\x09", 6},
                                 std::string{"\x80\x00\x09", 3}}) {
    auto const a = read_properties(bad, memory);
    EXPECT_FALSE(a.readable);
    EXPECT_EQ(a.envelope, wire::envelope{});
  }
}

}  // namespace
}  // namespace lovage::broker::amqp
