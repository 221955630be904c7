#pragma once

#include <string>

namespace CLI {
class App;
}

namespace lovage::cli {

/// The script for `shell`: bash, zsh or fish.
[[nodiscard]] std::string completion_script(CLI::App const& root, std::string const& shell);

}  // namespace lovage::cli
