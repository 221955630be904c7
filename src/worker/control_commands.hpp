// The commands of remote control by name: which arguments they take, and running one.
#pragma once

#include "worker/node.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lovage::work {

/// A command says {"error": text} by throwing this.
struct command_refused {
  std::string text;
};

struct command_parameter {
  char const* name;
  bool needed = false;
};

struct command {
  std::string_view name, alias;  ///< `alias` is the name of old
  std::span<command_parameter const> parameters;
  bool takes_more;  ///< further arguments are passed over, not refused
  /// The answer; nothing: none is sent.
  std::optional<value> (*run)(node&, value::map const& arguments);
};

/// lovage's own, which are Celery's.
[[nodiscard]] std::span<command const> all_commands();

/// Runs a command of lovage's or of a plug-in. What it cannot do is an {"error": text} in Celery's words. Throws
/// nothing but for memory.
[[nodiscard]] std::optional<value> run_command(node& on, std::string const& method, value::map const& arguments);

[[nodiscard]] inline value ok(std::string text) { return value::map{{"ok", std::move(text)}}; }

/// As Python shows an exception: `ValueError('no such thing')`.
[[nodiscard]] std::string exception_text(std::string_view type, std::string_view message);

/// An argument; null when it was not given.
[[nodiscard]] value const& argument(value::map const& arguments, std::string_view name);
/// Python's truth of an argument: null, false, zero and what is empty are not true.
[[nodiscard]] bool is_true(value const& v);
/// A text, or a list of them; others are refused as a TypeError.
[[nodiscard]] std::vector<std::string> texts_of(value const& v, std::string_view name);
[[nodiscard]] std::string text_of(value const& v, std::string_view name);
/// Also from text, as a command line sends it.
[[nodiscard]] std::optional<double> number_of(value const& v, std::string_view name);
[[nodiscard]] std::optional<std::int64_t> integer_of(value const& v, std::string_view name);

/// `part` is there, or the command is refused.
template <class F>
F const& need(F const& part, char const* what) {
  if (!part) throw command_refused{std::string{what} + " not available in this worker"};
  return part;
}
void or_refuse(expected<void> const& done);

}  // namespace lovage::work
