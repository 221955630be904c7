// lovage report
#include "cli/commands.hpp"
#include "cli/print.hpp"

#include <lovage/abi.h>
#include <lovage/version.hpp>

#include <openssl/crypto.h>
#include <sqlite3.h>
#include <sys/utsname.h>
#include <zlib.h>
#include <zstd.h>

#include <map>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <spdlog/version.h>
#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

std::string program_part() {
  ::utsname os{};
  ::uname(&os);
  auto out = fmt::format("lovage {} (plug-in ABI {})\nplatform:   {} {} {}, {} cores\n", LOVAGE_VERSION,
                         LOVAGE_ABI_VERSION, os.sysname, os.release, os.machine, std::thread::hardware_concurrency());
#ifdef __clang__
  out += "compiler:   clang " __clang_version__ "\n";
#else
  out += "compiler:   g++ " __VERSION__ "\n";
#endif
  return out + fmt::format("libraries:  SQLite {}, {}, zlib {}, zstd {}, fmt {}.{}.{}, spdlog {}.{}.{}, CLI11 {}\n",
                           ::sqlite3_libversion(), ::OpenSSL_version(OPENSSL_VERSION), ::zlibVersion(),
                           ::ZSTD_versionString(), FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100,
                           SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH, CLI11_VERSION);
}

std::string plugin_part(app& on, std::vector<std::string> const& given) {
  std::map<std::string, std::size_t> tasks;
  for (auto const& path : given) tasks[path] = 0;
  for (auto const& t : on.tasks().list()) ++tasks[t.source];
  if (tasks.empty()) return "plug-ins:   none\n";
  std::string out = "plug-ins:\n";
  for (auto const& [path, n] : tasks) out += fmt::format("  {} ({} task{})\n", path, n, n == 1 ? "" : "s");
  return out;
}

std::string settings_part(config const& settings, bool all) {
  auto const shown = humanize(settings, all);
  auto out = "settings:   " + (settings.file().empty() ? "no file" : "file " + settings.file()) + "\n";
  if (shown.empty()) return out + "  all have their defaults; list them with --all\n";
  for (std::size_t at = 0; at < shown.size();) {
    auto const end = std::min(shown.find('\n', at), shown.size());
    out += "  " + shown.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

int run_report(session const& s, bool all) {
  auto on = s.open();
  print(program_part() + plugin_part(on, s.given.apps) + settings_part(on.settings(), all));
  return exit_ok;
}

constexpr char const* report_footer = R"(Passwords in addresses and the values of secret settings are shown as **.

Examples:
  lovage report                                what was set, and where
  lovage report --all                          every setting, with its default
  lovage report --config lovage.toml -A ./libtasks.so)";

}  // namespace

void add_report(CLI::App& root, session& s) {
  auto const all = std::make_shared<bool>(false);
  auto* c = root.add_subcommand("report", "Show version, platform and settings, fit for a bug report");
  c->add_flag("--all", *all, "Also the settings that have their default");
  c->footer(report_footer);
  c->callback([all, &s] { s.action = [all, &s] { return run_report(s, *all); }; });
}

}  // namespace lovage::cli
