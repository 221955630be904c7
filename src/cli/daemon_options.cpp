#include "cli/daemon_options.hpp"

#include <unistd.h>

#include <cstdlib>

#include <CLI/CLI.hpp>

namespace lovage::cli {

void add_log_options(CLI::App& to, daemon_options& into) {
  to.add_option("-l,--loglevel", into.loglevel, "debug, info, warning (default), error or critical")
      ->type_name("LEVEL");
  to.add_option("-f,--logfile", into.logfile, "Append the log to this file; opened anew when it was moved away")
      ->type_name("FILE");
  to.add_option("--log-format", into.log_format, "text (default) or json, one object a line")
      ->type_name("KIND")
      ->check(CLI::IsMember({"text", "json"}).description(""));
}

void add_service_options(CLI::App& to, service_options& into) {
  auto const group = "As a service";
  to.add_flag("-D,--detach", into.detach, "Run in the background; name a --logfile to hear of it")->group(group);
  to.add_option("--pidfile", into.pidfile, "Keep the process id in this file; %n is the node's name")
      ->type_name("FILE")
      ->group(group);
  to.add_option("--workdir", into.workdir, "Change to this directory first")->type_name("DIR")->group(group);
  to.add_option("--uid", into.user, "Run as this user")->type_name("USER")->group(group);
  to.add_option("--gid", into.group, "Run as this group")->type_name("GROUP")->group(group);
  to.add_option("--umask", into.umask, "Octal mask for new files")->type_name("MASK")->group(group);
}

log_options log_options_of(session const& s, daemon_options const& with, std::string_view node) {
  log_options out;
  out.least = level_of(with.loglevel);
  out.file = expand_file_name(with.logfile, node);
  out.json = with.log_format == "json";
  out.color = !s.given.no_color && !out.json && ::isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  return out;
}

}  // namespace lovage::cli
