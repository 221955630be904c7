#include "web/event_queue.hpp"

#include <gtest/gtest.h>

namespace lovage::web {
namespace {

shared_event overview(int n) { return make_event("overview", std::to_string(n), true); }
shared_event tasks(int n, std::size_t items) {
  return make_event("tasks", "{\"n\": " + std::to_string(n) + "}", false, items);
}

TEST(EventQueue, WritesEventsAsStreamsHaveThem) {
  event_queue q;
  q.push(make_event("hello", "{\"a\": 1}", true));
  EXPECT_EQ(q.take(), "event: hello\ndata: {\"a\": 1}\n\n");
  EXPECT_EQ(q.take(), "");
}

TEST(EventQueue, OfAStateOnlyTheNewestIsKept) {
  event_queue q;
  for (int i = 0; i < 1'000; ++i) q.push(overview(i));
  EXPECT_EQ(q.waiting(), 1U);
  EXPECT_EQ(q.take(), "event: overview\ndata: 999\n\n");
}

TEST(EventQueue, ASlowListenerIsToldHowMuchOfAListItMissed) {
  event_queue q{2};
  for (int i = 0; i < 10; ++i) q.push(tasks(i, 3));
  EXPECT_EQ(q.waiting(), 2U);
  EXPECT_EQ(q.take(),
            "event: tasks\ndata: {\"tasks\": [], \"more\": 24}\n\n"
            "event: tasks\ndata: {\"n\": 8}\n\n"
            "event: tasks\ndata: {\"n\": 9}\n\n");
  q.push(tasks(10, 3));
  EXPECT_EQ(q.take(), "event: tasks\ndata: {\"n\": 10}\n\n") << "it is told once";
}

TEST(EventQueue, ListsDoNotPushOutStates) {
  event_queue q{1};
  q.push(overview(1));
  for (int i = 0; i < 5; ++i) q.push(tasks(i, 1));
  EXPECT_EQ(q.take().find("event: overview\ndata: 1\n\n"),
            std::string{"event: tasks\ndata: {\"tasks\": [], \"more\": 4}\n\n"}.size());
}

TEST(EventQueue, WakesForEachPushAndForTheEnd) {
  event_queue q;
  int woken = 0;
  q.on_push([&] { ++woken; });
  q.push(overview(1));
  q.close();
  EXPECT_EQ(woken, 2);
  q.push(overview(2));
  EXPECT_EQ(woken, 2) << "a closed queue takes nothing";
  EXPECT_TRUE(q.closed());
}

}  // namespace
}  // namespace lovage::web
