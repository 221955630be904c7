// What the left side of a rule in task_routes means.
#pragma once

#include <lovage/expected.hpp>

#include <memory>
#include <regex>
#include <string>
#include <string_view>

namespace lovage {

/// A task's name, a glob with `*`, `?` and `[...]`, or `/an ECMAScript regular expression/`, which matches from the
/// name's start on, as Python's `re.match`. Compiled once; copies share it. *Threads*: any.
class name_pattern {
 public:
  /// *On failure*: `bad_config` with a sentence.
  [[nodiscard]] static expected<name_pattern> compile(std::string_view text);
  /// Names over 1,024 characters match no regular expression.
  [[nodiscard]] bool matches(std::string const& name) const;

 private:
  std::string text_;
  bool glob_ = false;
  std::shared_ptr<std::regex const> expression_;
};

}  // namespace lovage
