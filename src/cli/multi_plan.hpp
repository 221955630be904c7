// Which nodes `lovage multi` speaks of, and the options of each. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lovage::cli {

struct multi_node {
  std::string name;                  ///< "w1@host"
  std::vector<std::string> options;  ///< for `lovage worker`, without its name, pid file and log file
  std::string pidfile, logfile;      ///< with % filled in
};

/// Celery's words after the action: names, or one number of nodes; options for all (`-c 3`, `--loglevel=info`), and for
/// some: `-c:w1 5`, `-Q:1-3 images`, `-l:2,4 debug`. A short option takes the word behind it unless that begins with
/// '-'; a long one takes "=value" only. `state` is where pid and log files go unless told otherwise. Throws
/// `usage_error`.
[[nodiscard]] std::vector<multi_node> plan_nodes(std::vector<std::string> const& words, std::string_view host,
                                                 std::string_view state);

}  // namespace lovage::cli
