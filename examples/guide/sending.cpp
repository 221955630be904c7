// Ways of sending, ways of waiting, ways of failing. Runs by itself: broker and worker are in memory.
#include "order_tasks.hpp"

#include <lovage/testing.hpp>

#include <iostream>

using namespace std::chrono_literals;
using shop::order;

namespace {

void send_with_options(lovage::app& app) {
  app.task(shop::price).delay(order{"tea", 2, {}});                            // at once
  app.send(shop::price.s(order{"tea", 2, {}}).countdown(10s));                 // ten seconds from now
  app.send(shop::price.s(order{"tea", 2, {}}).priority(9).expires(1h));        // first, and not after an hour
  app.send(shop::price.s(order{"tea", 2, {}}).queue("slow").ignore_result());  // to a queue of its own
  auto const python = lovage::call_options{}.queue("python");
  app.send_named("reports.build", {2026, "November"}, {{"format", "pdf"}}, python);  // a Python task, by name
}

void stamp(lovage::app& app) {
  app.send(shop::price.s(order{"tea", 2, {}}).stamp("order", "7").stamp("customer", "acme"));
  app.revoke_by_stamped_headers({{"order", {"7"}}});
}

void send_many(lovage::app& app) {
  std::vector<lovage::signature<double()>> calls;
  for (int i = 0; i < 1000; ++i) calls.push_back(shop::price.s(order{"tea", i, {}}));
  auto const results = app.send_many(calls);  // one batch: far faster than one by one
  double sum = 0;
  for (auto const& r : results) sum += r.get(30s);
  std::cout << "all together: " << sum << '\n';
}

void see_errors(lovage::app& app) {
  try {
    app.task(shop::charge).delay(order{"tea", 1, {}}, "").get(10s);
  } catch (lovage::task_failed const& e) {  // the task ran, and failed
    std::cout << e.type() << ": " << e.message() << '\n';
  } catch (lovage::error const& e) {  // it could not be sent, or gave no result in time
    if (e.code() == lovage::errc::timeout) std::cout << "no worker?\n";
  }

  auto const price = app.task(shop::price).delay(order{"tea", -1, {}}).try_get(10s);  // the same, as a value
  if (!price) std::cout << price.error().detail << '\n';
}

void follow(lovage::app& app) {
  auto const packing = app.task(shop::pack).delay(std::vector<order>{{"tea", 1, {}}, {"rice", 1, {}}});
  std::vector const ids{packing.id()};
  app.follow(
      ids, [](std::size_t, lovage::task_status const& s) { std::cout << s.state << '\n'; }, 10s);
}

}  // namespace

int main() {
  auto app = lovage::testing::memory_app();
  shop::define_orders(app.tasks());
  lovage::testing::background_worker const worker{app};
  send_with_options(app);
  stamp(app);
  send_many(app);
  see_errors(app);
  follow(app);
}
