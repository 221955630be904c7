// How a worker is set up.
#include "app/registry.hpp"
#include "config/masking.hpp"
#include "config/url.hpp"
#include "wire/task_message.hpp"
#include "worker/commands/all.hpp"

#include <lovage/abi.h>
#include <lovage/version.hpp>

#include <sys/utsname.h>

#include <fmt/format.h>

namespace lovage::work::commands {
namespace {

std::string transport_of(config const& c) {
  auto const urls = parse_urls(c.broker_read_url());
  return urls ? urls->front().scheme : std::string{"none"};
}

}  // namespace

answer conf(node& on, arguments given) {
  return value{settings::table_of(on.app.settings, is_true(argument(given, "with_defaults")))};
}

// In the lines of Celery's bug report.
answer report(node& on, arguments) {
  ::utsname os{};
  ::uname(&os);
  auto const& c = on.app.settings;
  auto out = fmt::format(
      "\nsoftware -> lovage:{} (plug-in ABI {}) gcc:{}.{}\nplatform -> system:{} arch:{}\n"
      "            kernel version:{} imp:C++\nloader   -> {} pool, {} tasks\nsettings -> transport:{} results:{}\n\n",
      LOVAGE_VERSION, LOVAGE_ABI_VERSION, __GNUC__, __GNUC_MINOR__, os.sysname, os.machine, os.release, on.jobs.name(),
      on.app.tasks.internals().entries().size(), transport_of(c),
      on.app.has_backend() ? mask_url(c.result_backend()) : "disabled");
  for (auto const& [name, v] : settings::table_of(c, false)) out += fmt::format("{}: {}\n", name, wire::repr(v));
  return ok(std::move(out));
}

}  // namespace lovage::work::commands
