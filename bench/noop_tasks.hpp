#pragma once

#include <lovage/task.hpp>

#include <vector>

namespace bench {

inline constexpr lovage::task<void()> noop{"bench.noop"};
inline constexpr lovage::task<int(int, int)> add{"bench.add", {"x", "y"}};

inline constexpr lovage::task<int(std::vector<int>)> total{"bench.total", {"xs"}};

}  // namespace bench
