// The program behind `main`.
#pragma once

#include "cli/session.hpp"

#include <memory>

namespace CLI {
class App;
}

namespace lovage::cli {

/// The parser with all commands; refers to `s`.
[[nodiscard]] std::unique_ptr<CLI::App> make_parser(session& s);

/// One invocation; returns the exit code. Throws nothing.
[[nodiscard]] int run(int argc, char const* const* argv) noexcept;

}  // namespace lovage::cli
