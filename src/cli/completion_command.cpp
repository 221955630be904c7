// lovage completion: scripts made from the parser itself, so that they cannot fall behind it.
#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/print.hpp"

#include <memory>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

constexpr char const* completion_footer = R"(Examples:
  source <(lovage completion bash)                                        this shell; or in ~/.bashrc
  lovage completion zsh > "${fpath[1]}/_lovage"                           then start a new shell
  lovage completion fish > ~/.config/fish/completions/lovage.fish)";

}  // namespace

void add_completion(CLI::App& root, session& s) {
  auto const shell = std::make_shared<std::string>();
  auto* c = root.add_subcommand("completion", "Print a completion script for bash, zsh or fish");
  c->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->type_name("")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""));
  c->footer(completion_footer);
  c->callback([shell, &root, &s] {
    s.action = [shell, &root] {
      print(completion_script(root, *shell));
      return exit_ok;
    };
  });
}

}  // namespace lovage::cli
