// `lovage dev` at work: builds the project when its sources change, and keeps the programs running with what it built.
#pragma once

#include "cli/dev_crew.hpp"
#include "cli/dev_project.hpp"
#include "cli/dev_watch.hpp"

#include <functional>
#include <string>
#include <vector>

namespace lovage::cli {

/// One of the programs: its words follow from the plug-ins there are.
struct dev_program {
  std::string name;
  int color = 0;
  std::function<std::vector<std::string>(std::vector<std::filesystem::path> const&)> words;
};

struct dev_plan {
  dev_project project;
  std::string lovage;                 ///< this program's file
  std::vector<dev_program> programs;  ///< in the order in which they end
  std::vector<std::string> welcome;   ///< lines to say when the first of them start
  bool color = false;
};

/// Runs until INT, TERM or HUP; the exit code. Throws `error` when it cannot watch.
[[nodiscard]] int run_workshop(dev_plan plan);

}  // namespace lovage::cli
