#include <lovage/plugin.hpp>

#include <chrono>
#include <cstdlib>
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

// A line for every signal, into the file that CLI_HOOKS names.
void say(std::string const& what) { std::ofstream{std::getenv("CLI_HOOKS"), std::ios::app} << what + "\n"; }

void listen(lovage::library& lib) {
  lib.on_worker_init([](auto const&) { say("init"); });
  lib.on_worker_ready([](auto const&) { say("ready"); });
  lib.on_worker_shutdown([](auto const&) { say("shutdown"); });
  lib.on_worker_process_init([](auto const&) { say("process"); });
  lib.on_task_prerun([](lovage::context& self) { say("prerun " + self.name()); });
  lib.on_task_success([](lovage::context&, lovage::value const&) { throw std::runtime_error{"a hook's own"}; });
  lib.on_task_postrun([](lovage::context&, std::string const& state) { say("postrun " + state); });
  lib.around([](lovage::context&, lovage::next_step const& next) {
    say("around");
    (void)next();
  });
}

void repeat(lovage::library& lib) {
  lib.periodic("plugged", std::chrono::milliseconds{300}, echo.s("again"));
  lib.periodic("nightly", "0 4 * * mon-fri Europe/Berlin", add.s(1, 2).queue("slow"),
               lovage::periodic_options{}.overlap(lovage::overlap::skip).spread(std::chrono::minutes{10}));
  if (std::string{std::getenv("CLI_PERIODIC")} == "twice") lib.periodic("plugged", "@daily", echo.s("again"));
  if (std::string{std::getenv("CLI_PERIODIC")} == "broken") lib.periodic("broken", "61 * * * *", echo.s("again"));
}

}  // namespace

LOVAGE_PLUGIN(lib) {
  if (std::getenv("CLI_PERIODIC")) repeat(lib);
  if (std::getenv("CLI_HOOKS")) listen(lib);
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
