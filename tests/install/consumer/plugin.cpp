// A stranger's plug-in: must build and load without any lovage library.
#include <lovage/plugin.hpp>
#include <lovage/task.hpp>

namespace {
inline constexpr lovage::task<int(int, int)> add{"stranger.add", {"x", "y"}};
}

LOVAGE_PLUGIN(lib) {
  lib.define(add, [](int x, int y) { return x + y; });
}
