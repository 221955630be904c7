#include "app/call_of_signature.hpp"

#include "app/signature_message.hpp"

#include <gmock/gmock.h>

namespace lovage::detail {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

raw_call full_call() {
  raw_call call{"shop.add", {}, 2, {{"z", 3}}, {}};
  packer p;
  p.any(value{1});
  p.any(value{"two"});
  call.packed_args = std::move(p).out();
  call.options.queue("high").priority(7).countdown(5s).expires(60s).time_limit(9s).soft_time_limit(8s);
  call.options.ignore_result().serializer("yaml").compression("zlib").shadow("sum").header("tenant", "a");
  call.options.stamp("order", "7").delivery_mode(delivery_mode::transient).link(raw_call{"shop.report", {}, 0, {}, {}});
  return call;
}

TEST(CallOfSignature, is_the_call_that_the_signature_was_made_of) {
  auto const before = signature_of(full_call()).value();
  auto const after = signature_of(call_of_signature(before).value()).value();
  EXPECT_EQ(after.to_value(), before.to_value());
}

TEST(CallOfSignature, tells_an_option_that_is_none_and_passes_over_those_of_the_sender) {
  auto s = signature_of(full_call()).value();
  s.set_option("retry_policy", value::map{});
  EXPECT_TRUE(call_of_signature(s));
  s.set_option("quue", "x");
  EXPECT_THAT(call_of_signature(s).error().text(), HasSubstr("option 'quue' is no option of a call"));
}

TEST(CallOfSignature, refuses_a_workflow) {
  EXPECT_EQ(call_of_signature(wire::make_chain({})).error().code, errc::invalid_argument);
}

}  // namespace
}  // namespace lovage::detail
