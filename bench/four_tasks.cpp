// The plug-in whose compile time is measured: four tasks as a user writes them.
#include <lovage/plugin.hpp>

#include <stdexcept>

using namespace std::chrono_literals;

struct order {
  std::string item;
  int count = 0;
};
template <>
struct lovage::codec<order>
    : lovage::fields<order, lovage::field<"item", &order::item>, lovage::field<"count", &order::count>> {};

namespace shop {
inline constexpr lovage::task<int(int, int)> add{"shop.add", {"x", "y"}};
inline constexpr lovage::task<int(std::vector<int>)> total{"shop.total", {"xs"}};
inline constexpr lovage::task<std::string(std::string)> fetch{"shop.fetch", {"url"}};
inline constexpr lovage::task<double(order, std::optional<double>)> price{"shop.price", {"what", "discount"}};
}  // namespace shop

static std::string fetch(lovage::context& self, std::string const& url) {
  if (url.empty()) throw std::invalid_argument{"no url"};
  if (self.retries() < 2) throw self.retry(30s);
  return "body of " + url;
}

LOVAGE_PLUGIN(lib) {
  lib.define(shop::add, [](int x, int y) { return x + y; });
  lib.define(shop::total, [](std::vector<int> const& xs) {
    int sum = 0;
    for (int const x : xs) sum += x;
    return sum;
  });
  lib.define(shop::fetch, fetch, lovage::limits{}.max_retries(5).time_limit(60s));
  lib.define(shop::price, [](order const& what, std::optional<double> discount) {
    return what.count * 9.5 * (1 - discount.value_or(0));
  });
}
