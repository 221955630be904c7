// Time and randomness as parameters, so that tests can hold them.
#pragma once

#include <lovage/types.hpp>

#include <chrono>
#include <functional>

namespace lovage {

/// Wall clock, microseconds UTC. Passed wherever "now" is needed; `system_now` in production.
using now_fn = std::function<time_point()>;

[[nodiscard]] inline time_point system_now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

}  // namespace lovage
