#include <lovage/deadline.hpp>

#include <gtest/gtest.h>

namespace lovage {

using namespace std::chrono_literals;

TEST(Deadline, NowHasPassedAndNeverHasNot) {
  EXPECT_TRUE(deadline::now().passed());
  EXPECT_FALSE(deadline::never().passed());
  EXPECT_EQ(deadline::now().left(), 0ns);
}

TEST(Deadline, NegativeAndZeroSpansHavePassed) {
  EXPECT_TRUE(deadline::in(-5s).passed());
  EXPECT_TRUE(deadline::in(0ms).passed());
}

TEST(Deadline, AHugeSpanSaturatesToNever) {
  EXPECT_TRUE(deadline::in(std::chrono::hours::max()).is_never());
  EXPECT_TRUE(deadline::in(std::chrono::duration<double>{1e300}).is_never());
}

TEST(Deadline, TheSoonerOfTwoWins) {
  EXPECT_TRUE(deadline::never().sooner(deadline::now()).passed());
  EXPECT_TRUE(deadline::now().sooner(deadline::never()).passed());
}

}  // namespace lovage
