// A directory of one's own for a store, gone with the test.
#pragma once

#include "core/ids.hpp"

#include <filesystem>
#include <string>

namespace lovage::testing {

class store_place {
 public:
  store_place() { std::filesystem::create_directories(directory_); }
  ~store_place() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  store_place(store_place const&) = delete;
  store_place& operator=(store_place const&) = delete;

  [[nodiscard]] std::filesystem::path const& directory() const noexcept { return directory_; }
  [[nodiscard]] std::string file() const { return (directory_ / "store.db").string(); }
  /// `query` such as "?lease=1".
  [[nodiscard]] std::string url(std::string const& query = {}) const { return "sqlite:///" + file() + query; }

 private:
  std::filesystem::path const directory_ =
      std::filesystem::temp_directory_path() / ("lovage-store-" + random_uuid().str());
};

}  // namespace lovage::testing
