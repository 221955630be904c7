// What every broker driver does alike. A driver's test names itself with INSTANTIATE_TEST_SUITE_P and runs all of it;
// where drivers differ, a test asks `abilities()` and runs the variant that is promised.
#pragma once

#include "broker/transport.hpp"
#include "core/clock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

namespace lovage::broker {

/// `open` gives a transport on a store (database, virtual host) that no other test uses; called once or twice per test.
/// It fills in the address and leaves the clock and the queues as they come.
struct conformance_driver {
  char const* name;
  std::function<std::shared_ptr<transport>(settings with)> open;
  /// How long a message that must not come is waited for; zero where everything is there at once.
  std::chrono::milliseconds quiet{0};

  friend void PrintTo(conformance_driver const& d, std::ostream* out) { *out << d.name; }
};

class BrokerConformance : public ::testing::TestWithParam<conformance_driver> {
 protected:
  void SetUp() override { open({}); }
  /// Begins anew on an empty store.
  void open(topology queues);
  /// All queues sort by priority, where a broker must be told so.
  void open_with_priorities();

  /// The store's clock: real time plus what the test added.
  [[nodiscard]] time_point now() const { return system_now() + std::chrono::microseconds{ahead_.load()}; }
  void advance(std::chrono::microseconds by) { ahead_ += by.count(); }

  /// `prefetch` 1: whoever is pushed to is sent one message at a time.
  [[nodiscard]] std::unique_ptr<consumer> consume(std::vector<std::string> const& queues = {"q"},
                                                  std::size_t prefetch = 0);
  [[nodiscard]] std::unique_ptr<consumer> consume_ordered(queue_order how, std::vector<std::string> const& queues,
                                                          std::vector<int> weights = {});
  /// Until so many have come, where a broker sends them ahead of `claim`.
  void wait_until_there(consumer& from, std::size_t count);
  /// Until a consumer that is told so has heard that a queue is paused.
  void wait_until_paused(consumer& from);
  [[nodiscard]] static outgoing message(std::string body, int priority = 0, std::string queue = "q");
  void send(std::vector<outgoing> const& messages);
  [[nodiscard]] static std::vector<std::string> bodies(std::vector<delivery> const& of);
  /// Waits until `count` messages have come.
  [[nodiscard]] static std::vector<delivery> take(consumer& from, std::size_t count = 1);
  [[nodiscard]] static delivery take_one(consumer& from);
  void expect_nothing(consumer& from) const;
  static void settle(consumer& with, std::uint64_t tag, disposition how, std::string reason = {});

  /// These pass when the driver declares that it does not know the number.
  void expect_ready(std::uint64_t count, std::string const& queue = "q");
  void expect_delayed(std::uint64_t count, std::string const& queue = "q");
  void expect_claimed(std::uint64_t count, std::string const& queue = "q");
  void expect_dead(std::uint64_t count, std::string const& queue = "q");

  std::shared_ptr<transport> transport_;
  std::unique_ptr<producer> producer_;
  std::unique_ptr<inspector> inspector_;
  traits able_;

 private:
  void expect_count(std::uint64_t queue_info::*which, std::uint64_t count, std::string const& queue);
  std::atomic<std::int64_t> ahead_{0};
};

}  // namespace lovage::broker
