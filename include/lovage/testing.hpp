// For tests of programs that use lovage.
#pragma once

#include <lovage/app.hpp>
#include <lovage/worker.hpp>

#include <memory>

namespace lovage::testing {

/// An app on a broker and backend of its own in memory, gone with the last app of that name.
[[nodiscard]] app memory_app(config settings = {});

/// An app that runs each task at once in the caller, without broker or worker; arguments and results still go through
/// the serializer. With `propagate`, a failing task throws from `delay` instead of from `get`.
[[nodiscard]] app eager_app(bool propagate = false);

/// A worker on threads in this process, from construction to destruction (a warm shutdown).
///
///     lovage::app app = lovage::testing::memory_app();
///     app.tasks().define(shop::add, [](int x, int y) { return x + y; });
///     lovage::testing::background_worker worker{app};
///     EXPECT_EQ(app.task(shop::add).delay(2, 3).get(5s), 5);
class background_worker {
 public:
  explicit background_worker(app& on, int concurrency = 1);
  ~background_worker();
  background_worker(background_worker const&) = delete;
  background_worker& operator=(background_worker const&) = delete;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Time that stands still until told: countdowns, retries and expiry of `memory_app`s made while it lives follow it.
///
///     lovage::testing::fake_clock clock;
///     auto app = lovage::testing::memory_app();
///     auto later = app.send(shop::add.s(2, 3).countdown(1h));
///     clock.advance(1h);
///
/// One at a time. *Threads*: any.
class fake_clock {
 public:
  fake_clock();
  ~fake_clock();
  fake_clock(fake_clock const&) = delete;
  fake_clock& operator=(fake_clock const&) = delete;

  [[nodiscard]] time_point now() const;
  /// Moves time and wakes everything that waits for it.
  void advance(std::chrono::microseconds by);
};

}  // namespace lovage::testing
