#include <lovage/plugin.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr lovage::task<int(int, int)> add{"cli.add", {"x", "y"}};
constexpr lovage::task<std::string(std::string)> echo{"cli.echo", {"text"}};
constexpr lovage::task<int(std::vector<int>)> total{"cli.total", {"xs"}};
constexpr lovage::task<void(std::string)> refuse{"cli.refuse", {"why"}};
// Begins by writing `begun` and ends when `go` is there.
constexpr lovage::task<int(std::string, std::string)> until{"cli.until", {"begun", "go"}};

}  // namespace

LOVAGE_PLUGIN(lib) {
  lib.define(add, [](int x, int y) { return x + y; });
  lib.define(echo, [](std::string const& text) { return text; });
  lib.define(total, [](std::vector<int> const& xs) {
    int sum = 0;
    for (int const x : xs) sum += x;
    return sum;
  });
  lib.define(until, [](std::string const& begun, std::string const& go) {
    std::ofstream{begun} << "x";
    while (!std::filesystem::exists(go)) std::this_thread::sleep_for(std::chrono::milliseconds{10});
    return 1;
  });
  lib.define(
      refuse, [](std::string const& why) { throw std::invalid_argument{why}; }, lovage::limits{}.max_retries(2));
  lib.command("cli_greet", [](lovage::value::map const& given) {
    auto const* name = lovage::find(given, "name");
    auto const* text = name ? name->get_if<std::string>() : nullptr;
    if (text == nullptr) throw std::invalid_argument{"whom?"};
    return lovage::value::map{{"ok", "hello " + *text}};
  });
}
