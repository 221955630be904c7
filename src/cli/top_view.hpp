// A picture as lines of a terminal, and what keys change in it. Pure.
#pragma once

#include "cli/top_picture.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace lovage::cli {

enum class top_key { none, quit, pause, sort, help, next, previous, up, down, page_up, page_down, home, end };

/// Reads what a terminal sends, sequence by sequence: takes from the front of `bytes` what it understood or knows not
/// to be a key. Incomplete sequences stay.
[[nodiscard]] std::vector<top_key> read_keys(std::string& bytes);

class top_view {
 public:
  static constexpr std::size_t sections = 4;  ///< workers, queues, running, failures
  struct look {
    std::size_t width = 80, height = 24;  ///< columns and lines; height 0: as many as there is to show
    bool color = true, unicode = true;
  };

  void press(top_key k);
  /// True once a key asked to end.
  [[nodiscard]] bool quits() const noexcept { return quits_; }
  [[nodiscard]] bool paused() const noexcept { return paused_; }
  /// At most `height` lines of exactly `width` columns, without ends of lines; colours reset within each.
  [[nodiscard]] std::vector<std::string> lines(top_picture const& p, look how);

 private:
  std::size_t focus_ = 0;
  std::array<std::size_t, sections> order_{}, first_{}, rows_{}, shown_{};
  bool paused_ = false, help_ = false, quits_ = false;
};

}  // namespace lovage::cli
