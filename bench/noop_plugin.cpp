// libbench_noop.so: a task that does nothing, and some that return something.
#include "noop_tasks.hpp"

#include <lovage/plugin.hpp>

LOVAGE_PLUGIN(lib) {
  lib.define(bench::noop, [] {});
  lib.define(bench::add, [](int x, int y) { return x + y; });
  lib.define(bench::total, [](std::vector<int> const& xs) { return static_cast<int>(xs.size()); });
}
