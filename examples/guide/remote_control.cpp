// Asking a worker and telling it what to do. Runs by itself: broker and worker are in memory.
#include "order_tasks.hpp"

#include <lovage/control.hpp>
#include <lovage/testing.hpp>

#include <iostream>

using namespace std::chrono_literals;

namespace {

void define_commands(lovage::task_registry& lib) {
  lib.command("cache_clear", [](lovage::value::map const& arguments) {
    auto const* region = lovage::find(arguments, "region");
    return lovage::value::map{{"ok", region ? "cleared one region" : "cleared"}};
  });
}

void ask(lovage::app& app) {
  auto control = app.control(lovage::control_options{}.timeout(10s).limit(1));
  for (auto const& reply : control.ping()) std::cout << *reply.payload.find("ok")->get_if<std::string>() << '\n';
  for (auto const& [node, tasks] : control.inspect().active())
    std::cout << tasks.get_if<lovage::value::list>()->size() << " tasks run\n";
  for (auto const& reply : control.broadcast("cache_clear", {{"region", "eu"}}))
    std::cout << *reply.payload.find("ok")->get_if<std::string>() << '\n';
}

void tell_some(lovage::app& app) {
  lovage::control_options some;
  some.pattern("web*").timeout(1ms);  // by name: .destination({"celery@web1"})
  auto control = app.control(some);
  if (control.pool_grow(2).empty()) std::cout << "nobody of that name\n";
}

}  // namespace

int main() {
  auto app = lovage::testing::memory_app();
  shop::define_orders(app.tasks());
  define_commands(app.tasks());
  lovage::testing::background_worker const worker{app};
  ask(app);
  tell_some(app);
}
