#include "core/deadline_mutex.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace lovage {

using namespace std::chrono_literals;

TEST(DeadlineMutex, OneOwnerAtATime) {
  deadline_mutex mutex;
  int counted = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 1'000; ++k) {
        auto const owned = mutex.acquire(deadline::never());
        ++counted;
      }
    });
  threads.clear();
  EXPECT_EQ(counted, 4'000);
}

TEST(DeadlineMutex, GivesUpAtTheDeadlineAndIsFreeAgainAfterwards) {
  deadline_mutex mutex;
  {
    auto const owned = mutex.acquire(deadline::now());
    ASSERT_TRUE(owned);
    std::jthread{[&] {
      EXPECT_FALSE(mutex.acquire(deadline::now()));
      EXPECT_FALSE(mutex.acquire(1ms));
    }};
  }
  EXPECT_TRUE(mutex.acquire(deadline::now()));
}

TEST(DeadlineMutex, WhoWaitsGetsItWhenItIsFreed) {
  deadline_mutex mutex;
  std::atomic<bool> got = false;
  auto owned = mutex.acquire(deadline::never());
  std::jthread waiting{[&] { got = mutex.acquire(deadline::in(60s)).owns_lock(); }};
  owned.unlock();
  waiting.join();
  EXPECT_TRUE(got);
}

}  // namespace lovage
