// How the readers of files and environments write into a config.
#pragma once

#include "config/parse_value.hpp"

#include <lovage/config.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lovage {

/// Names and values of environment variables.
using environment = std::vector<std::pair<std::string, std::string>>;

class config_access {
 public:
  /// Checks and stores under `row`'s name; null goes back to the default. The error has no `where` yet.
  static expected<void> put(config& c, settings::setting const& row, value const& v, settings::texts how,
                            std::string origin);
  static void warn(config& c, std::string text);
  static void set_file(config& c, std::string path) { c.file_ = std::move(path); }
  /// The value in effect in canonical form.
  static value effective(config const& c, settings::setting const& row);

  /// What a file of this text sets, over what `c` has.
  static expected<void> apply_toml(config& c, std::string_view text, std::string const& file);
  static expected<void> apply_environment(config& c, environment const& env);
};

/// The process's environment, sorted by name. *Threads*: not while another changes it.
[[nodiscard]] environment process_environment();
/// The variable's value; empty when absent.
[[nodiscard]] std::string_view find_variable(environment const& env, std::string_view name) noexcept;

/// "lovage" below $XDG_STATE_HOME, else $HOME/.local/state, else /var/lib. Relative directories do not count.
[[nodiscard]] std::string state_directory(environment const& env);
/// `sqlite:///` of a file there.
[[nodiscard]] std::string default_store_url(environment const& env);

/// The file that `discover` reads, and whether it must exist; nothing when there is none.
struct file_choice {
  std::string path;
  bool required = false;
};
[[nodiscard]] std::vector<file_choice> files_to_try(std::optional<std::string> const& path, environment const& env);

}  // namespace lovage
