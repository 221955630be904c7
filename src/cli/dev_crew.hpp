// The programs that `lovage dev` keeps running: started, started anew, and ended in order.
#pragma once

#include "cli/dev_child.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace lovage::cli {

/// A member that ends by itself is started again, a little later each time, unless it says that it was called wrongly.
/// *Threads*: the loop's. *Lifetime*: within the loop's.
class dev_crew {
 public:
  dev_crew(io::loop& on, line_sink out, bool color) : loop_{on}, out_{std::move(out)}, color_{color} {}

  /// They end in the order in which they came.
  void add(std::string const& name, int color);
  /// All of them with these words from now on, by their order: who runs finishes first what it has begun, and gives it
  /// back after ten seconds.
  void restart(std::vector<std::vector<std::string>> words);
  /// Ends one after the other; then calls `done`, once.
  void end(std::function<void()> done);
  /// Whoever is ending gives back what it runs; the second time it is killed.
  void sharper();
  [[nodiscard]] bool ending() const noexcept { return static_cast<bool>(done_); }

 private:
  struct member {
    std::unique_ptr<dev_child> child;
    std::vector<std::string> words;
    std::chrono::steady_clock::time_point since{};
    std::chrono::seconds pause{0};
    io::subscription later, patience;
    bool anew = false;
    int told = 0;  ///< signals to end
  };
  void start(member& m);
  void tell_to_end(member& m);
  void ended(member& m, io::ending how);
  void end_next();
  void say(std::string const& text) { out_(text); }

  io::loop& loop_;
  line_sink const out_;  ///< sentences of its own
  bool const color_;
  std::vector<std::unique_ptr<member>> members_;
  std::function<void()> done_;
};

}  // namespace lovage::cli
