#include "io/link.hpp"

#include <gtest/gtest.h>

namespace lovage::io {
namespace {

using namespace std::chrono_literals;
using phase = link::phase;
link::clock::time_point const start{};

link make(link::policy how = {}) {
  return {how, start, [] { return 0.999999; }};
}

void run(link& l, link::clock::time_point at) {
  ASSERT_TRUE(l.due(at));
  l.connected();
  l.ready();
  ASSERT_EQ(l.now_in(), phase::run);
}

TEST(Link, connects_at_once_and_runs_after_its_set_up) {
  auto l = make();
  EXPECT_EQ(l.now_in(), phase::back_off);
  EXPECT_TRUE(l.due(start));
  EXPECT_EQ(l.now_in(), phase::connect);
  EXPECT_FALSE(l.due(start));
  l.ready();  // not before it is connected
  EXPECT_EQ(l.now_in(), phase::connect);
  l.connected();
  EXPECT_EQ(l.now_in(), phase::set_up);
  l.ready();
  EXPECT_EQ(l.now_in(), phase::run);
}

TEST(Link, tries_again_at_once_after_it_ran) {
  auto l = make();
  run(l, start);
  l.lost(start + 1h);
  EXPECT_TRUE(l.due(start + 1h));
}

TEST(Link, waits_twice_as_long_after_every_failure_up_to_the_longest) {
  auto l = make({1, false, 100ms, 700ms});
  auto now = start;
  for (auto const expected : {100ms, 200ms, 400ms, 700ms, 700ms, 700ms}) {
    ASSERT_TRUE(l.due(now));
    l.lost(now);
    EXPECT_NEAR(std::chrono::duration<double>(l.due_at() - now).count(),
                std::chrono::duration<double>(expected).count(), 0.001);
    EXPECT_FALSE(l.due(now));
    now = l.due_at();
  }
  EXPECT_EQ(l.failures(), 6U);
  run(l, now);
  EXPECT_EQ(l.failures(), 0U);
}

TEST(Link, never_stops_trying) {
  auto l = make();
  auto now = start;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(l.due(now));
    l.lost(now);
    ASSERT_LE(l.due_at() - now, 2s);
    now = l.due_at();
  }
}

TEST(Link, jitters_between_half_and_the_whole_delay) {
  link l{{1, false, 100ms, 2s}, start, [] { return 0.0; }};
  ASSERT_TRUE(l.due(start));
  l.lost(start);
  EXPECT_EQ(l.due_at() - start, 50ms);
}

TEST(Link, tries_every_address_before_it_waits) {
  auto l = make({3, false, 100ms, 2s});
  std::size_t const order[] = {0, 1, 2};
  for (auto const a : order) {
    ASSERT_TRUE(l.due(start));
    EXPECT_EQ(l.address(), a);
    l.lost(start);
  }
  EXPECT_FALSE(l.due(start));
  EXPECT_EQ(l.address(), 0U);
}

TEST(Link, draws_another_address_when_told_to_shuffle) {
  link l{{4, true, 100ms, 2s}, start, [] { return 0.5; }};
  EXPECT_EQ(l.address(), 2U);
  ASSERT_TRUE(l.due(start));
  l.lost(start);
  EXPECT_NE(l.address(), 2U);
  EXPECT_LT(l.address(), 4U);
}

TEST(Link, ends_for_good_when_drained_or_closed) {
  auto l = make();
  run(l, start);
  l.drain();
  EXPECT_EQ(l.now_in(), phase::drain);
  l.lost(start);
  EXPECT_EQ(l.now_in(), phase::closed);
  EXPECT_FALSE(l.due(start + 1h));
  auto idle = make();
  idle.drain();
  EXPECT_EQ(idle.now_in(), phase::closed);
}

}  // namespace
}  // namespace lovage::io
