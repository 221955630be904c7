#include "monitor/outbox.hpp"

#include <gtest/gtest.h>

namespace lovage::monitor {
namespace {

using namespace std::chrono_literals;

constexpr time_point six{std::chrono::hours{6}};

alert named(std::string id) {
  alert a;
  a.id = std::move(id);
  return a;
}

std::string due_id(outbox const& of, time_point now) {
  auto const a = of.due(now);
  return a ? a->id : "";
}

TEST(Outbox, GivesEachOnceInTheirOrder) {
  outbox box;
  EXPECT_EQ(due_id(box, six), "");
  box.put(named("a")), box.put(named("b"));
  EXPECT_EQ(due_id(box, six), "a");
  box.taken();
  EXPECT_EQ(due_id(box, six), "b");
  box.taken();
  EXPECT_EQ(due_id(box, six), "");
}

TEST(Outbox, TriesWhatWasRefusedAfterLongerAndLongerPausesBeforeWhatCameLater) {
  outbox box;
  box.put(named("a")), box.put(named("b"));
  auto now = six;
  for (auto const pause : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
    EXPECT_FALSE(box.refused(now));
    EXPECT_EQ(due_id(box, now + pause - 1ms), "");
    now += pause;
    EXPECT_EQ(due_id(box, now), "a");
  }
  box.taken();
  EXPECT_EQ(due_id(box, now), "b") << "the way is open again";
  EXPECT_FALSE(box.refused(now));
  EXPECT_EQ(due_id(box, now + 1s), "b") << "with a short pause again";
}

TEST(Outbox, GivesUpWhatIsRefusedForAnHour) {
  outbox box;
  box.put(named("a")), box.put(named("b"));
  EXPECT_FALSE(box.refused(six));
  EXPECT_FALSE(box.refused(six + 59min));
  EXPECT_TRUE(box.refused(six + 60min));
  EXPECT_EQ(due_id(box, six + 60min), "") << "who refused the one is not asked at once for the next";
  EXPECT_EQ(due_id(box, six + 61min), "b");
  EXPECT_FALSE(box.refused(six + 61min)) << "and has its own hour";
}

TEST(Outbox, HoldsSoManyAndNoMore) {
  outbox box;
  for (std::size_t i = 0; i <= outbox::most; ++i) box.put(named(std::to_string(i)));
  EXPECT_EQ(box.size(), outbox::most);
  EXPECT_EQ(due_id(box, six), "0") << "it may be on its way";
  box.taken();
  EXPECT_EQ(due_id(box, six), "2");
}

}  // namespace
}  // namespace lovage::monitor
