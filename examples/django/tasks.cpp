// The shop's heavy work, in C++: becomes libshop_tasks.so, run by `lovage worker -A ./libshop_tasks.so -Q cpp`.
#include <lovage/plugin.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace shop {

struct line {
  std::string item;
  int count = 0;
  std::int64_t cents = 0;
};

struct invoice {
  std::int64_t cents = 0;
  int items = 0;
};

inline constexpr lovage::task<invoice(std::vector<line>)> total{"shop.total", {"lines"}};
inline constexpr lovage::task<std::string(std::string, std::int64_t)> charge{"shop.charge", {"card", "cents"}};
inline constexpr lovage::task<std::string(std::string, int)> restock{"shop.restock", {"item", "count"}};

}  // namespace shop

template <>
struct lovage::codec<shop::line>
    : lovage::fields<shop::line, lovage::field<"item", &shop::line::item>, lovage::field<"count", &shop::line::count>,
                     lovage::field<"cents", &shop::line::cents>> {};
template <>
struct lovage::codec<shop::invoice> : lovage::fields<shop::invoice, lovage::field<"cents", &shop::invoice::cents>,
                                                     lovage::field<"items", &shop::invoice::items>> {};

static shop::invoice total(std::vector<shop::line> const& lines) {
  shop::invoice out;
  for (auto const& line : lines) {
    if (line.count < 1) throw std::invalid_argument{"no " + line.item + " in that line"};  // ValueError in Python
    out.cents += line.count * line.cents;
    out.items += line.count;
  }
  return out;
}

static std::string charge(std::string const& card, std::int64_t cents) {
  if (card.size() != 16) throw std::invalid_argument{"a card number has 16 digits"};
  return "charged " + std::to_string(cents) + " to ..." + card.substr(12);
}

// Sent by the schedule that is in Django's admin.
static std::string restock(std::string const& item, int count) {
  if (count < 1) throw std::invalid_argument{"nothing to order"};
  return "ordered " + std::to_string(count) + " of " + item;
}

LOVAGE_PLUGIN(lib) {
  lib.define(shop::total, total);
  lib.define(shop::charge, charge);
  lib.define(shop::restock, restock);
}
