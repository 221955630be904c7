// What every result backend does alike. A driver's test names itself with INSTANTIATE_TEST_SUITE_P and runs all of it.
#pragma once

#include "backend/result_backend.hpp"
#include "core/clock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace lovage::backend {

/// `open` gives a backend on a store that no other test uses; called once per test.
struct conformance_driver {
  char const* name;
  std::function<std::shared_ptr<result_backend>(now_fn now)> open;
};

class BackendConformance : public ::testing::TestWithParam<conformance_driver> {
 protected:
  void SetUp() override;

  [[nodiscard]] static wire::result_record record(std::string id, std::string status, value result = {});
  void store(wire::result_record const& r, std::chrono::seconds expires = std::chrono::hours{1});
  [[nodiscard]] wire::result_record fetch(std::string const& id);
  void advance(std::chrono::microseconds by) { ahead_ += by.count(); }

  std::shared_ptr<result_backend> backend_;

 private:
  std::atomic<std::int64_t> ahead_{0};
};

}  // namespace lovage::backend
