#include "worker/recent_calls.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>

namespace lovage::work {
namespace {

TEST(RecentCalls, AreTheNewestSoMany) {
  recent_calls known{3};
  for (auto const* key : {"a", "b", "a", "c"}) known.add(key);
  for (auto const* key : {"a", "b", "c"}) EXPECT_TRUE(known.contains(key)) << key;
  known.add("d");
  EXPECT_FALSE(known.contains("a"));
  for (auto const* key : {"b", "c", "d"}) EXPECT_TRUE(known.contains(key)) << key;
}

TEST(RecentCalls, CanBeNone) {
  recent_calls known{0};
  known.add("a");
  EXPECT_FALSE(known.contains("a"));
}

TEST(RecentCalls, AreWhatASimpleListWouldHave) {
  std::mt19937 chance{7};
  recent_calls known{100};
  std::deque<std::string> list;
  for (int i = 0; i < 20'000; ++i) {
    auto const key = std::to_string(chance() % 300) + " 0 0 celery";
    bool const there = std::find(list.begin(), list.end(), key) != list.end();
    ASSERT_EQ(known.contains(key), there) << i;
    known.add(key);
    if (!there) list.push_back(key);
    if (list.size() > 100) list.pop_front();
  }
}

}  // namespace
}  // namespace lovage::work
