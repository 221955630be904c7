#include "app/signature_message.hpp"

#include <gtest/gtest.h>

namespace lovage::detail {
namespace {

raw_call call_with(call_options options) {
  raw_call out;
  out.task = "t.next";
  out.options = std::move(options);
  return out;
}

TEST(SignatureOfACall, CarriesItsAddress) {
  auto const to = call_options{}.exchange("media").routing_key("news.x").delivery_mode(delivery_mode::transient);
  auto s = signature_of(call_with(to)).value();
  EXPECT_EQ(*s.option("exchange"), value{"media"});
  EXPECT_EQ(*s.option("routing_key"), value{"news.x"});
  EXPECT_EQ(*s.option("delivery_mode"), value{1});
  auto const call = call_of(std::move(s), {}, publish_settings{}, time_point{}).value();
  EXPECT_EQ(call.exchange, "media");
  EXPECT_EQ(call.routing_key, "news.x");
  EXPECT_EQ(call.message.properties.delivery_mode, 1);
}

TEST(SignatureOfACall, CarriesItsStampsAsOptionsOfTheirOwnNames) {
  auto const stamped = call_options{}.stamp("order", "7").stamp("order", "8").stamp("tenant", "acme");
  auto s = signature_of(call_with(stamped)).value();
  EXPECT_EQ(*s.option("stamped_headers"), (value::list{"order", "tenant"}));
  EXPECT_EQ(*s.option("order"), (value::list{"7", "8"}));
  auto const m = call_of(std::move(s), {}, publish_settings{}, time_point{}).value().message;
  EXPECT_EQ(m.stamped_headers, (value::list{"order", "tenant"}));
  EXPECT_EQ(m.stamps, (value::map{{"order", value::list{"7", "8"}}, {"tenant", value::list{"acme"}}}));
  auto const refused = signature_of(call_with(call_options{}.queue("high").stamp("queue", "x")));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::invalid_argument);
}

TEST(SignatureOfACall, IsRoutedByTheRulesOfWhoSendsIt) {
  publish_settings settings;
  settings.where = routing{config{}.task_routes({{"t.*", "high"}})};
  settings.mode = delivery_mode::transient;
  auto const call = call_of(signature_of(call_with({})).value(), {}, settings, time_point{}).value();
  EXPECT_EQ(call.queue, queue_name{"high"});
  EXPECT_EQ(call.message.properties.delivery_mode, 1);
}

}  // namespace
}  // namespace lovage::detail
