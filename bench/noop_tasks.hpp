#pragma once

#include <lovage/task.hpp>

namespace bench {

inline constexpr lovage::task<void()> noop{"bench.noop"};
inline constexpr lovage::task<int(int, int)> add{"bench.add", {"x", "y"}};

}  // namespace bench
