#include "backend/redis/awaited.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage::backend::redis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class Awaited : public ::testing::Test {
 protected:
  /// One id, subscribed and looked at.
  void listen(awaited::reader who, std::string const& id) {
    book_.add(who, id);
    (void)book_.take_orders();
    book_.subscribed(id);
    EXPECT_THAT(book_.take_orders().fetch, ElementsAre(id));
  }
  void expect_nothing_to_do() {
    EXPECT_FALSE(book_.has_orders());
    auto const o = book_.take_orders();
    EXPECT_TRUE(o.subscribe.empty() && o.unsubscribe.empty() && o.fetch.empty());
  }

  awaited book_;
  int one_ = 0, two_ = 0;
  awaited::reader const first_ = &one_, second_ = &two_;
};

TEST_F(Awaited, AResultIsSubscribedToAndThenLookedAtOnce) {
  EXPECT_TRUE(book_.idle());
  book_.add(first_, "a");
  EXPECT_FALSE(book_.idle());
  auto const orders = book_.take_orders();
  EXPECT_THAT(orders.subscribe, ElementsAre("a"));
  EXPECT_THAT(orders.fetch, IsEmpty()) << "what is written before the subscription is in effect would be missed";
  expect_nothing_to_do();
  book_.subscribed("a");
  EXPECT_THAT(book_.take_orders().fetch, ElementsAre("a"));
  expect_nothing_to_do();
}

TEST_F(Awaited, AReadyResultIsUnsubscribedFromOnce) {
  listen(first_, "a");
  EXPECT_THAT(book_.finish("a"), ElementsAre(first_));
  EXPECT_TRUE(book_.idle());
  EXPECT_THAT(book_.take_orders().unsubscribe, ElementsAre("a"));
  expect_nothing_to_do();
  EXPECT_THAT(book_.finish("a"), IsEmpty());
  EXPECT_THAT(book_.readers("a"), IsEmpty());
}

TEST_F(Awaited, OneSubscriptionServesAllReaders) {
  listen(first_, "a");
  book_.add(second_, "a");
  book_.add(second_, "a");
  auto const orders = book_.take_orders();
  EXPECT_THAT(orders.subscribe, IsEmpty());
  EXPECT_THAT(orders.fetch, ElementsAre("a")) << "the second reader has not seen what is stored";
  EXPECT_THAT(book_.readers("a"), UnorderedElementsAre(first_, second_));
  book_.remove(first_, "a");
  expect_nothing_to_do();
  book_.remove(second_, "a");
  EXPECT_THAT(book_.take_orders().unsubscribe, ElementsAre("a"));
}

TEST_F(Awaited, WhatIsDroppedBeforeItWasSentLeavesNothing) {
  book_.add(first_, "a");
  book_.remove(first_, "a");
  expect_nothing_to_do();
  EXPECT_TRUE(book_.idle());
}

TEST_F(Awaited, WhoComesBackBeforeTheUnsubscriptionWasSentKeepsIt) {
  listen(first_, "a");
  book_.remove(first_, "a");
  book_.add(first_, "a");
  auto const orders = book_.take_orders();
  EXPECT_TRUE(orders.subscribe.empty() && orders.unsubscribe.empty());
  EXPECT_THAT(orders.fetch, ElementsAre("a"));
}

TEST_F(Awaited, OnlyTheAnswerToTheLastSubscriptionCounts) {
  book_.add(first_, "a");
  (void)book_.take_orders();
  book_.remove(first_, "a");
  EXPECT_THAT(book_.take_orders().unsubscribe, ElementsAre("a"));
  book_.add(first_, "a");
  EXPECT_THAT(book_.take_orders().subscribe, ElementsAre("a"));
  book_.subscribed("a");  // the answer to the first one: nobody listened after it
  expect_nothing_to_do();
  book_.subscribed("a");
  EXPECT_THAT(book_.take_orders().fetch, ElementsAre("a"));
  book_.subscribed("a");
  book_.subscribed("never");
  expect_nothing_to_do();
}

TEST_F(Awaited, AnAnswerThatComesAfterEverybodyLeftMeansNothing) {
  book_.add(first_, "a");
  (void)book_.take_orders();
  book_.remove(first_, "a");
  (void)book_.take_orders();
  book_.subscribed("a");
  expect_nothing_to_do();
  book_.changed("a");
  expect_nothing_to_do();
}

TEST_F(Awaited, AChangeIsLookedAtWhileSomebodyWaits) {
  listen(first_, "a");
  book_.changed("a");
  book_.changed("a");
  EXPECT_THAT(book_.take_orders().fetch, ElementsAre("a"));
  book_.changed("a");
  book_.remove(first_, "a");
  EXPECT_THAT(book_.take_orders().fetch, IsEmpty());
}

TEST_F(Awaited, ALostConnectionMeansToBeginAnewForAllThatIsWaitedFor) {
  listen(first_, "a");
  book_.add(first_, "b");
  (void)book_.take_orders();  // b is sent, not confirmed
  book_.add(second_, "c");
  listen(second_, "d");
  (void)book_.finish("d");
  book_.changed("a");
  book_.lost();
  auto const orders = book_.take_orders();
  EXPECT_THAT(orders.subscribe, UnorderedElementsAre("a", "b", "c"));
  EXPECT_TRUE(orders.unsubscribe.empty() && orders.fetch.empty());
  for (auto const* id : {"a", "b", "c"}) book_.subscribed(id);
  EXPECT_THAT(book_.take_orders().fetch, UnorderedElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace lovage::backend::redis
