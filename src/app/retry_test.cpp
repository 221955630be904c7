#include "app/retry.hpp"

#include <gtest/gtest.h>

namespace lovage {
namespace {

using namespace std::chrono_literals;

time_point const noon{std::chrono::hours{12}};

double wait_of(retry_plan const& p) { return std::chrono::duration<double>(*p.eta - noon).count(); }

retry_plan plan(task_options const& o, std::int64_t retries, value::map const& details, bool automatic,
                double dice = 0.5) {
  return plan_retry(o, retries, details, automatic, noon, [dice] { return dice; });
}

TEST(Retry, WaitsTheDefaultDelayUnlessTheBodySaysOtherwise) {
  task_options const o;
  EXPECT_EQ(wait_of(plan(o, 0, {}, false)), 180);
  EXPECT_EQ(wait_of(plan(o, 0, {{"countdown", 2.5}}, false)), 2.5);
  EXPECT_EQ(wait_of(plan(o, 0, {{"eta", datetime::from(noon + 1h)}}, false)), 3600);
}

TEST(Retry, ACountdownOfZeroRunsAtOnce) {
  auto const p = plan({}, 0, {{"countdown", 0}}, false);
  EXPECT_TRUE(p.again);
  EXPECT_FALSE(p.eta);
}

TEST(Retry, StopsAtTheMaximumWhichTheBodyMayOverride) {
  task_options o;
  EXPECT_TRUE(plan(o, 2, {}, false).again);
  EXPECT_FALSE(plan(o, 3, {}, false).again);
  EXPECT_TRUE(plan(o, 3, {{"max_retries", 9}}, false).again);
  EXPECT_FALSE(plan(o, 1, {{"max_retries", 1}}, false).again);
  o.max_retries.reset();
  EXPECT_TRUE(plan(o, 1'000'000, {}, false).again);
  o.max_retries = 0;
  EXPECT_FALSE(plan(o, 0, {}, true).again);
}

TEST(Retry, BackoffDoublesUpToItsBoundAndJitterDrawsBelowIt) {
  task_options o;
  o.max_retries.reset();
  o.retry_backoff_s = 3;
  o.retry_jitter = false;
  EXPECT_EQ(wait_of(plan(o, 0, {}, true)), 3);
  EXPECT_EQ(wait_of(plan(o, 3, {}, true)), 24);
  EXPECT_EQ(wait_of(plan(o, 60, {}, true)), 600);
  EXPECT_EQ(wait_of(plan(o, 5'000, {}, true)), 600);
  o.retry_jitter = true;
  EXPECT_EQ(wait_of(plan(o, 3, {}, true, 0.5)), 12);
  EXPECT_EQ(wait_of(plan(o, 3, {}, true, 0.0)), 0);
}

TEST(Retry, AnAutomaticOneWithoutBackoffWaitsTheDefaultDelay) { EXPECT_EQ(wait_of(plan({}, 0, {}, true)), 180); }

TEST(Retry, AnAbsurdCountdownIsBoundedNotOverflowed) {
  EXPECT_GT(wait_of(plan({}, 0, {{"countdown", 1e300}}, false)), 1e9);
  EXPECT_FALSE(plan({}, 0, {{"countdown", -5.0}}, false).eta);
}

}  // namespace
}  // namespace lovage
