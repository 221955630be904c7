// Testing code that sends tasks: three ways, none needs a server.
#include "order_tasks.hpp"

#include <lovage/testing.hpp>

#include <iostream>

using namespace std::chrono_literals;
using shop::order;

namespace {

void expect(bool ok, char const* what) {
  std::cout << (ok ? "ok      " : "FAILED  ") << what << '\n';
  if (!ok) std::exit(1);
}

// A body is a function: call it.
void a_price_counts_the_discount() { expect(shop::price_of({"tea", 2, 0.5}) == 9.5, "a price counts the discount"); }

// Eager: `delay` runs the task at once, here; arguments and results still go through the serializer.
void an_order_survives_the_journey() {
  auto app = lovage::testing::eager_app();
  shop::define_orders(app.tasks());
  expect(app.task(shop::price).delay(order{"tea", 2, {}}).get(1s) == 19, "an order survives the journey");
}

// A real worker on threads, and time that stands still until told.
void a_busy_bank_is_asked_again() {
  lovage::testing::fake_clock clock;
  auto app = lovage::testing::memory_app();
  shop::define_orders(app.tasks());
  lovage::testing::background_worker const worker{app};

  auto const charged = app.task(shop::charge).delay(order{"tea", 1, {}}, "busy");
  std::vector const ids{charged.id()};
  app.follow(
      ids,
      [&](std::size_t, lovage::task_status const& s) {
        if (s.state == "RETRY") clock.advance(5s);  // no test waits five seconds
      },
      10s);
  expect(charged.successful(), "a busy bank is asked again");
}

}  // namespace

int main() {
  a_price_counts_the_discount();
  an_order_survives_the_journey();
  a_busy_bank_is_asked_again();
}
