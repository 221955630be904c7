#include "cli/help.hpp"

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

class formatter final : public CLI::Formatter {
 public:
  formatter() {
    column_width(34);
    label("SUBCOMMAND", "COMMAND");
    label("SUBCOMMANDS", "COMMANDS");
    label("Subcommands", "Commands");
    label("Positionals", "Arguments");
    label("REQUIRED", "");
  }

  // What the parser does not know: the free words of `call`, and what stands behind "--".
  std::string make_usage(CLI::App const* app, std::string name) const override {
    auto out = CLI::Formatter::make_usage(app, std::move(name));
    while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
    if (app->get_name() == "call") out += " [ARGS...]";
    if (app->get_name() == "worker") out += " [-- setting=value...]";
    return out + "\n";
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> make_help_formatter() { return std::make_shared<formatter>(); }

}  // namespace lovage::cli
