// What `lovage dev` works on: a folder with a CMake project, or plug-ins that somebody else builds.
#pragma once

#include <lovage/expected.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace lovage::cli {

struct dev_project {
  std::filesystem::path root;               ///< absolute; `.lovage` is made in it
  std::vector<std::filesystem::path> apps;  ///< absolute, folders without links; empty: those that the build makes
  bool has_sources = false;                 ///< it is watched and built
  std::filesystem::path build_folder;       ///< where plug-ins are looked for; empty without sources
  std::string build_command;                ///< for the shell; empty: CMake's

  [[nodiscard]] std::filesystem::path own_folder() const { return root / ".lovage"; }
  [[nodiscard]] std::filesystem::path store() const { return own_folder() / "store.db"; }
  /// Those that are there now, by name.
  [[nodiscard]] std::vector<std::filesystem::path> plugins() const;
  /// The commands of a build, each to succeed before the next.
  [[nodiscard]] std::vector<std::vector<std::string>> build_steps() const;
};

struct dev_wishes {
  std::string folder;             ///< empty: this one, where it holds a project
  std::vector<std::string> apps;  ///< of -A
  std::string build_command, build_folder;
};

/// Throws `usage_error` with what to give when there is nothing to work on.
[[nodiscard]] dev_project find_project(dev_wishes const& wishes);

/// Whether the file is a plug-in: a shared object that exports the one symbol of plug-ins.
[[nodiscard]] bool is_plugin(std::filesystem::path const& file);

/// Tells files that changed from those that did not: places, sizes and times as one text.
[[nodiscard]] std::string look_of(std::vector<std::filesystem::path> const& files);

/// Makes `.lovage`, which version control leaves alone. Throws `error`.
void make_own_folder(dev_project const& p);

/// Writes a small project into a folder that is new or empty, and returns its place. Throws `error`.
std::filesystem::path make_project(std::string const& name);

}  // namespace lovage::cli
