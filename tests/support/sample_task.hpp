// What tests of running a task run, and when.
#pragma once

#include <lovage/task.hpp>

#include <chrono>

namespace lovage::testing {

inline constexpr task<int(int, int)> add{"t.add", {"x", "y"}};
inline time_point const noon{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + std::chrono::hours{12}};

}  // namespace lovage::testing
