// Options of the programs that run on: where they log, and how they run as a service.
#pragma once

#include "cli/log_setup.hpp"
#include "cli/service.hpp"
#include "cli/session.hpp"

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace lovage::cli {

struct daemon_options {
  std::string loglevel = "warning", logfile, log_format = "text";
  service_options service;
};

/// Options of `beat`, and of `worker` with --beat, that stand for settings.
struct beat_settings {
  std::string file, scheduler, max_interval, health_port, health_host;
  void put_into(config& settings) const;
};

/// -l, -f and --log-format.
void add_log_options(CLI::App& to, daemon_options& into);
/// --detach, --pidfile, --workdir, --uid, --gid and --umask.
void add_service_options(CLI::App& to, service_options& into);
/// `node` fills in the file's name. Throws `usage_error`.
[[nodiscard]] log_options log_options_of(session const& s, daemon_options const& with, std::string_view node);

}  // namespace lovage::cli
