// The commands of `lovage inspect` and `lovage control`, and their arguments as Celery's command line takes them.
#pragma once

#include <lovage/value.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::cli {

enum class argument_kind { text, integer, number, flag };

struct control_argument {
  char const* name;
  argument_kind kind = argument_kind::text;
  bool needed = false;
};

struct control_command {
  std::string_view name;
  bool inspects;  ///< belongs to `inspect`, else to `control`
  std::span<control_argument const> arguments;
  char const* variadic;  ///< what further words are, as a list; nullptr: there may be none
  char const* signature;
  char const* help;
  bool some = false;  ///< at least one further word is needed
};

/// Sorted by name.
[[nodiscard]] std::span<control_command const> control_commands();
[[nodiscard]] control_command const* find_control_command(std::string_view name, bool inspects);

/// Words to keyword arguments; throws `usage_error`, which names what is missing.
[[nodiscard]] value::map control_arguments(control_command const& command, std::vector<std::string> const& words);
/// For commands of plug-ins: `name=value` each, values as `lovage call` reads them.
[[nodiscard]] value::map own_arguments(std::vector<std::string> const& words);

}  // namespace lovage::cli
