#include "cli/waiting.hpp"

#include "cli/session.hpp"
#include "cli/words.hpp"

#include <CLI/CLI.hpp>

namespace lovage::cli {

void wait_option::add_to(CLI::App& command, std::string const& text) {
  command
      .add_option_function<std::string>(
          "--wait", [this](std::string const& v) { text_ = v.empty() ? "true" : v; }, text)
      ->expected(0, 1)
      ->type_name("[SECONDS]");
}

deadline wait_option::until() const {
  if (text_ == "true") return deadline::never();  // what the parser gives for an option without its value
  return deadline::in(std::chrono::duration<double>{seconds_of("--wait", text_)});
}

int exit_code_of(task_status const& status) {
  if (!status.ready()) return exit_not_ready;
  return status.successful() ? exit_ok : exit_failed;
}

}  // namespace lovage::cli
