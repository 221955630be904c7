// The files below a directory.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace textstats {

struct found_files {
  std::vector<std::string> paths;  ///< sorted
  /// What could not be looked at, and why: directories without permission, names that are no UTF-8.
  std::vector<std::pair<std::string, std::string>> passed_over;
};

/// Regular files, recursively; symbolic links are not followed. Throws std::filesystem::filesystem_error when `root`
/// itself cannot be read.
found_files find_files(std::string const& root);

}  // namespace textstats
