// Queues, exchanges and the rules that choose among them. Runs by itself: broker and worker are in memory.
#include "order_tasks.hpp"

#include <lovage/testing.hpp>

#include <iostream>

using namespace std::chrono_literals;
using shop::order;

namespace {

lovage::config with_queues() {
  using lovage::task_queue;
  return lovage::config{}
      .task_queues({"celery", task_queue{"urgent"}.max_priority(9),
                    task_queue{"north"}.exchange("regions").exchange_type("topic").routing_key("orders.north.#"),
                    task_queue{"audit"}.exchange("regions").exchange_type("topic").routing_key("orders.#")})
      .task_routes({{"shop.charge", "urgent"},
                    {"/shop\\.(pack|ship)/", lovage::route_options{"celery"}.priority(3)},
                    {"report.*", "slow"}});  // is made when it is first used
}

void route_by_arguments(lovage::app& app) {
  app.route_with([](std::string_view task, auto const& args, auto const&) -> std::optional<lovage::route_options> {
    auto const* count = task == "shop.price" && !args.empty() ? args[0].find("count") : nullptr;
    if (count && *count == lovage::value{1000}) return "urgent";
    return std::nullopt;  // task_routes may say
  });
}

void send(lovage::app& app) {
  order const tea{"tea", 2, {}};
  app.send(shop::price.s(tea).queue("urgent"));                                       // to one queue
  app.send(shop::price.s(tea).exchange("regions").routing_key("orders.north.oslo"));  // to north, and to audit
  app.send(shop::price.s(tea).queue("north").routing_key("orders.south"));            // to the queue's exchange: audit
}

}  // namespace

int main() {
  auto app = lovage::testing::memory_app(with_queues());
  route_by_arguments(app);
  shop::define_orders(app.tasks());
  lovage::testing::background_worker const worker{app};
  send(app);
  auto const lost = app.try_send(shop::price.s(order{"tea", 1, {}}).exchange("regions").routing_key("returns"));
  if (lost) return 1;
  std::cout << lost.error().detail << '\n';
  std::cout << app.task(shop::price).delay(order{"tea", 1000, {}}).get(10s) << '\n';
}
