#include "worker/connecting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(ConnectSchedule, TriesForEverUnlessTold) {
  connect_schedule s{std::nullopt};
  EXPECT_EQ(s.next(), 2s);
  EXPECT_EQ(s.next(), 4s);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(s.next());
  EXPECT_EQ(s.next(), 8s);
}

TEST(ConnectSchedule, TriesAsOftenAgainAsItIsTold) {
  connect_schedule none{0};
  EXPECT_FALSE(none.next()) << "zero: the first attempt is the only one";
  connect_schedule two{2};
  EXPECT_EQ(two.next(), 2s);
  EXPECT_THAT(two.text("amqp://h", {errc::unavailable, "refused", {}}, 2s), HasSubstr("(1/2)"));
  EXPECT_EQ(two.next(), 4s);
  EXPECT_FALSE(two.next());
}

TEST(ConnectSchedule, DoesNotWaitForASettingToChange) {
  EXPECT_TRUE(worth_a_retry(errc::unavailable));
  EXPECT_TRUE(worth_a_retry(errc::timeout));
  EXPECT_FALSE(worth_a_retry(errc::bad_config));
  EXPECT_FALSE(worth_a_retry(errc::not_supported));
}

}  // namespace
}  // namespace lovage::work
