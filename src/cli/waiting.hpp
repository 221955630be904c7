// `--wait [SECONDS]` and what is told of a result, for `call` and `result`.
#pragma once

#include <lovage/async_result.hpp>

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace lovage::cli {

/// `--wait` alone waits for ever; nothing when it was not given.
class wait_option {
 public:
  void add_to(CLI::App& command, std::string const& text);
  [[nodiscard]] bool given() const noexcept { return !text_.empty(); }
  /// Throws `usage_error` when the text is no number of seconds.
  [[nodiscard]] deadline until() const;

 private:
  std::string text_;
};

/// 0 for SUCCESS, 1 for FAILURE and REVOKED, 3 for what is not done or not known.
[[nodiscard]] int exit_code_of(task_status const& status);

}  // namespace lovage::cli
