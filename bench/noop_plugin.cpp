// libbench_noop.so: a task that does nothing, and one that returns something.
#include "noop_tasks.hpp"

#include <lovage/plugin.hpp>

LOVAGE_PLUGIN(lib) {
  lib.define(bench::noop, [] {});
  lib.define(bench::add, [](int x, int y) { return x + y; });
}
