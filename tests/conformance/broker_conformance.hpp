// What every broker driver does alike. A driver's test names itself with INSTANTIATE_TEST_SUITE_P and runs all of it.
#pragma once

#include "broker/transport.hpp"
#include "core/clock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lovage::broker {

/// `open` gives a transport on a store that no other test uses; called once per test.
struct conformance_driver {
  char const* name;
  std::function<std::shared_ptr<transport>(now_fn now)> open;
};

class BrokerConformance : public ::testing::TestWithParam<conformance_driver> {
 protected:
  void SetUp() override;

  /// The store's clock: real time plus what the test added.
  [[nodiscard]] time_point now() const { return system_now() + std::chrono::microseconds{ahead_.load()}; }
  void advance(std::chrono::microseconds by) { ahead_ += by.count(); }

  [[nodiscard]] std::unique_ptr<consumer> consume(std::vector<std::string> const& queues = {"q"});
  [[nodiscard]] static outgoing message(std::string body, int priority = 0, std::string queue = "q");
  void send(std::vector<outgoing> const& messages);
  /// Bodies of what can be claimed at once.
  [[nodiscard]] static std::vector<std::string> bodies(std::vector<delivery> const& of);
  [[nodiscard]] static std::vector<delivery> take(consumer& from, std::size_t max = 100);
  static void settle(consumer& with, std::uint64_t tag, disposition how, std::string reason = {});
  [[nodiscard]] queue_info counts(std::string const& queue = "q");

  std::shared_ptr<transport> transport_;
  std::unique_ptr<producer> producer_;
  std::unique_ptr<inspector> inspector_;

 private:
  std::atomic<std::int64_t> ahead_{0};
};

}  // namespace lovage::broker
