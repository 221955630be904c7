// What every schedule store does alike. A driver's test names itself with INSTANTIATE_TEST_SUITE_P and runs all of it.
#pragma once

#include "beat/schedule_store.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lovage::beats {

/// Two schedulers' stores on one place that no other test uses.
struct opened_stores {
  std::shared_ptr<schedule_store> one, other;
  /// Where `traits::clock_of_server`: makes the server believe that time has passed; less than zero: that its clock was
  /// set back.
  std::function<void(std::chrono::milliseconds)> pass_time = {};
};

/// `open` is called once per test.
struct store_driver {
  char const* name;
  std::function<opened_stores(now_fn now)> open;
};

class ScheduleStore : public ::testing::TestWithParam<store_driver> {
 protected:
  void SetUp() override;

  [[nodiscard]] time_point now() const { return system_now() + std::chrono::microseconds{ahead_.load()}; }
  void advance(std::chrono::milliseconds by);
  [[nodiscard]] static entry made(std::string name, schedule when = crontab{"0 4 * * *"}, origin from = origin::store);
  void put(entry const& e, put_mode mode = put_mode::either);
  [[nodiscard]] changes read(std::uint64_t since = 0);
  [[nodiscard]] std::optional<entry> find(std::string_view name);
  [[nodiscard]] static std::vector<std::string> names(changes const& all);
  /// The term that `who` gets; zero when another leads.
  [[nodiscard]] std::uint64_t lead(char const* who);
  /// Claims one; its error counts as false.
  [[nodiscard]] bool claim(std::uint64_t term, std::string_view name, time_point due, bool send = true);
  void note(std::string_view name, time_point due, bool last = false, bool counts = true);
  [[nodiscard]] std::vector<std::string> taken_over(std::uint64_t term);

  static constexpr std::chrono::seconds limit{5}, lease{9};
  /// Moments of occurrences, to the microsecond as the clock has them.
  time_point const due_ = time_point{std::chrono::floor<std::chrono::seconds>(system_now())};
  std::shared_ptr<schedule_store> one_, other_;

 private:
  std::function<void(std::chrono::milliseconds)> pass_time_;
  std::atomic<std::int64_t> ahead_{0};
};

}  // namespace lovage::beats
