// What one invocation of the program knows, shared by its commands.
#pragma once

#include <lovage/app.hpp>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace lovage::cli {

/// What scripts can rely on; the help tells the same.
enum exit_code : int { exit_ok = 0, exit_failed = 1, exit_usage = 2, exit_not_ready = 3, exit_no_nodes = 69 };

/// The command line says something that cannot be meant. The text is one line; ends with `exit_usage`.
struct usage_error : std::runtime_error {
  using runtime_error::runtime_error;
};

/// Options that every command understands, before or after its name.
struct globals {
  std::vector<std::string> apps;
  std::string broker, result_backend, config;
  bool quiet = false, no_color = false;
};

class session {
 public:
  globals given;
  std::vector<std::string> tail;  ///< what stood behind "--"
  std::function<int()> action;    ///< set by the command that was named

  /// File, environment, options, in that rising order. Warnings go to the log.
  [[nodiscard]] config settings() const;
  /// An app with those settings and the plug-ins of `-A`.
  [[nodiscard]] app open() const { return open(settings()); }
  [[nodiscard]] app open(config with) const;
};

/// True in the pool's fork server: `main` runs a second time there, up to `worker::run`, and must stay silent and
/// single-threaded.
[[nodiscard]] bool in_fork_server() noexcept;

}  // namespace lovage::cli
