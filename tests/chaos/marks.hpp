#pragma once

#include <lovage/task.hpp>

namespace chaos {

/// Waits, then appends one line "name" to the file, in one write.
inline constexpr lovage::task<void(std::string, std::string, int)> mark{"chaos.mark", {"name", "file", "milliseconds"}};

}  // namespace chaos
