// A program that `lovage dev` runs: what it says comes out as named lines, and it ends with `lovage dev`.
#pragma once

#include "cli/dev_lines.hpp"
#include "io/loop.hpp"
#include "io/process.hpp"

#include <functional>
#include <string>
#include <vector>

namespace lovage::cli {

using line_sink = std::function<void(std::string const&)>;

/// *Threads*: the loop's. *Lifetime*: within the loop's. The destructor ends the program and waits a second for it.
class dev_child {
 public:
  dev_child(io::loop& on, std::string const& name, int color, line_sink out)
      : loop_{on}, name_{name}, lines_{name, color}, out_{std::move(out)} {}
  ~dev_child();
  dev_child(dev_child const&) = delete;
  dev_child& operator=(dev_child const&) = delete;

  /// The first word is looked for in PATH. `ended` is called once, when all that it said is out. Its input is empty;
  /// it leads a process group, so that a terminal's ctrl-C reaches `lovage dev` alone. *Requires*: it does not run.
  [[nodiscard]] expected<void> start(std::vector<std::string> words, std::function<void(io::ending)> ended);
  [[nodiscard]] bool running() const noexcept { return process_.running(); }
  [[nodiscard]] std::string const& name() const noexcept { return name_; }
  [[nodiscard]] int pid() const noexcept { return process_.pid(); }
  /// To the program alone, or to all that it started as well. Nothing when it does not run.
  void signal(int number) noexcept { process_.signal(number); }
  void signal_group(int number) noexcept;

 private:
  void hear();
  void end();
  io::loop& loop_;
  std::string const name_;
  named_lines lines_;
  line_sink const out_;
  io::process process_;
  io::descriptor said_;
  io::subscription hears_, watches_;
  std::function<void(io::ending)> ended_;
};

/// What `lovage dev --become PARENT -- WORDS` does: becomes that program, with descriptor 3 for output, in a group of
/// its own, and is told to end when the parent dies. Returns only on failure, which it says.
int become_dev_child(int parent, std::vector<std::string> const& words);

}  // namespace lovage::cli
