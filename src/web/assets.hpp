// The front end's files: built into the program, or of a folder.
#pragma once

#include "web/message.hpp"

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lovage::web {

struct embedded_asset {
  std::string_view path;  ///< "assets/main-1A2B3C4D.js"
  std::string_view content;
};

/// Those that the build was given; empty without LOVAGE_WEB.
[[nodiscard]] std::span<embedded_asset const> embedded_assets() noexcept;

/// *Threads*: any.
class assets {
 public:
  /// From this folder, read anew at each request; empty: what is built in.
  explicit assets(std::string folder);

  /// The file of this path, compressed where the browser takes it; for a path without a file's ending the front end's
  /// page, which routes by itself. 404 otherwise.
  [[nodiscard]] response serve(request const& r) const;

 private:
  struct file {
    std::shared_ptr<std::string const> plain, packed;  ///< packed: by gzip; null when that is no gain
  };
  [[nodiscard]] std::optional<file> find(std::string const& path) const;

  std::string const folder_;
  std::map<std::string, file, std::less<>> built_in_;
};

[[nodiscard]] std::string type_of_file(std::string_view path);
/// Its name holds a hash of its content: "main-1A2B3C4D.js".
[[nodiscard]] bool never_changes(std::string_view path);

}  // namespace lovage::web
