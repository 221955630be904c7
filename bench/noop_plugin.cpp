// libbench_noop.so: a task that does nothing.
#include "noop_tasks.hpp"

#include <lovage/plugin.hpp>

LOVAGE_PLUGIN(lib) {
  lib.define(bench::noop, [] {});
}
