// tasks.hpp - shared by producers and workers: names and types, no bodies
#pragma once
#include <lovage/task.hpp>

namespace shop {
inline constexpr lovage::task<int(int, int)> add{"shop.add", {"x", "y"}};
inline constexpr lovage::task<std::string(std::string)> fetch{"shop.fetch", {"url"}};
}  // namespace shop
