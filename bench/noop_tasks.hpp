#pragma once

#include <lovage/task.hpp>

namespace bench {

inline constexpr lovage::task<void()> noop{"bench.noop"};

}  // namespace bench
