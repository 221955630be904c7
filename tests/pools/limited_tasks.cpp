// A task with a hard limit, in a plug-in of its own: only the prefork pool takes it.
#include "limit_marks.hpp"

#include <lovage/plugin.hpp>

#include <thread>

LOVAGE_PLUGIN(lib) {
  static constexpr lovage::task<void(std::string, std::string)> hard{"limited.hard", {"file", "how"}};
  lib.define(
      hard,
      [](std::string const& file, std::string const&) {
        marks::begin(file);
        std::this_thread::sleep_for(std::chrono::hours{1});
      },
      lovage::limits{}.time_limit(std::chrono::milliseconds{500}));
}
