// A plug-in that says when its tasks run.
#include <lovage/plugin.hpp>

#include <chrono>
#include <string>

using namespace std::chrono_literals;

namespace shop {
inline constexpr lovage::task<std::string(std::string)> report{"shop.report", {"region"}};
}  // namespace shop

LOVAGE_PLUGIN(lib) {
  lib.define(shop::report, [](std::string const& region) { return "report of " + region; });
  lib.periodic("nightly", "0 4 * * mon-fri Europe/Berlin", shop::report.s("eu"));
  lib.periodic("poll", 90s, shop::report.s("all"), lovage::periodic_options{}.overlap(lovage::overlap::skip));
}
