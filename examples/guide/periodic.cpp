// The code of docs/guide/periodic-tasks.md: entries in code, a scheduler of one's own, entries at run time.
#include "order_tasks.hpp"

#include <lovage/beat.hpp>
#include <lovage/testing.hpp>

#include <iostream>

using namespace std::chrono_literals;
using shop::order;

namespace {

void declare(lovage::app& app) {
  app.periodic("poll", lovage::every{200ms}, shop::price.s(order{"tea", 1, {}}));
  app.periodic("nightly", lovage::crontab{"H 4 * * *"}.timezone("Europe/Berlin"), shop::price.s(order{"all", 0, {}}),
               lovage::periodic_options{}.overlap(lovage::overlap::skip).spread(10min));
}

void at_run_time(lovage::app& app) {
  lovage::periodic_tasks tasks{app};
  tasks.add("weekly", lovage::crontab{"0 6 * * mon"}, shop::price.s(order{"salt", 2, {}}));
  tasks.pause("weekly");
  for (auto const& t : tasks.list()) std::cout << t.name << ": " << t.words << '\n';
}

}  // namespace

int main() {
  auto app = lovage::testing::memory_app();
  declare(app);
  lovage::beat beat{app};
  beat.start();  // or: return beat.run();
  at_run_time(app);
  bool const leads = beat.wait_leading(20s);
  beat.stop();
  return leads ? 0 : 1;
}
