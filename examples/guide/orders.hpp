// orders.hpp - a struct of one's own as argument and result
#pragma once
#include <lovage/task.hpp>

#include <optional>
#include <vector>

namespace shop {
struct order {
  std::string item;
  int count = 0;
  std::optional<double> discount;
};
struct declined : std::runtime_error {
  using runtime_error::runtime_error;
};
}  // namespace shop

template <>
struct lovage::codec<shop::order>
    : lovage::fields<shop::order, lovage::field<"item", &shop::order::item>,
                     lovage::field<"count", &shop::order::count>, lovage::field<"discount", &shop::order::discount>> {};

namespace shop {
inline constexpr lovage::task<double(order)> price{"shop.price", {"what"}};
inline constexpr lovage::task<void(order, std::string)> charge{"shop.charge", {"what", "card"}};
inline constexpr lovage::task<int(std::vector<order>)> pack{"shop.pack", {"orders"}};
}  // namespace shop
