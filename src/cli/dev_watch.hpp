// Hears of changed sources below a folder, by inotify.
#pragma once

#include "io/descriptor.hpp"

#include <lovage/expected.hpp>

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lovage::cli {

/// Whether a file of this name is written by people for a compiler: "a.cpp", "CMakeLists.txt", "lovage.toml"; not what
/// an editor writes beside it.
[[nodiscard]] bool is_source_name(std::string_view name);

/// *Threads*: one.
class source_watch {
 public:
  /// All folders below `root`, those too that come later, but hidden ones, `node_modules`, and those in `leave_out`
  /// (absolute paths). Error `unavailable` when the system allows no more watches.
  [[nodiscard]] static expected<source_watch> open(std::filesystem::path const& root,
                                                   std::set<std::filesystem::path> leave_out);
  /// One file, whatever its name, also when another takes its place.
  [[nodiscard]] expected<void> also(std::filesystem::path const& file);

  /// Readable when something happened.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] std::size_t folders() const noexcept { return folders_.size(); }
  /// What changed since the last call, in order, each once; may be nothing.
  [[nodiscard]] std::vector<std::filesystem::path> take();

 private:
  source_watch() = default;
  [[nodiscard]] expected<void> add(std::filesystem::path const& folder);
  /// `found`: files of a folder that came later may have been written before it was watched.
  [[nodiscard]] expected<void> add_all(std::filesystem::path const& folder, std::vector<std::filesystem::path>* found);
  [[nodiscard]] bool passes(std::filesystem::path const& folder) const;
  [[nodiscard]] bool counts(std::filesystem::path const& file) const;

  io::descriptor fd_;
  std::set<std::filesystem::path> leave_out_, files_;
  std::set<std::filesystem::path> only_files_of_;  ///< folders watched for single files
  std::unordered_map<int, std::filesystem::path> folders_;
};

}  // namespace lovage::cli
