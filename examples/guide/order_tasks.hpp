// order_tasks.hpp - bodies and limits, for the plug-in and for the tests alike
#pragma once
#include "orders.hpp"

#include <lovage/define.hpp>

namespace shop {

using namespace std::chrono_literals;

inline double price_of(order const& what) {
  if (what.count < 0) throw std::invalid_argument{"a negative count"};
  return what.count * 9.5 * (1 - what.discount.value_or(0));
}

inline void charge_card(lovage::context& self, order const&, std::string const& card) {
  if (card.empty()) throw declined{"no card"};
  if (card == "busy" && self.retries() == 0) throw self.retry(5s).because("Busy", "the bank is busy");
  self.log_info("charged in run " + std::to_string(self.retries() + 1));
}

inline int pack_all(lovage::context& self, std::vector<order> const& orders) {
  int packed = 0;
  for (auto const& o : orders) {
    if (self.stop_requested()) throw self.retry(1s);
    packed += o.count;
    self.progress(packed, static_cast<std::int64_t>(orders.size()));
  }
  return packed;
}

template <class Library>
void define_orders(Library& lib) {
  lib.define(price, price_of);
  lib.define(
      charge, charge_card,
      lovage::limits{}.max_retries(5).autoretry_for<std::system_error>().retry_backoff(2s).retry_backoff_max(60s));
  lib.define(pack, pack_all, lovage::limits{}.soft_time_limit(30s).track_started());
}

}  // namespace shop
