// Graphs as text, for Mermaid and Graphviz.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace lovage {

/// Boxes and arrows. Names and labels may hold anything: they are made harmless where a format needs it.
struct drawing {
  struct box {
    std::string label;  ///< lines, divided by '\n'
    std::string state;  ///< of a task; decides the colour; may be empty
  };
  std::vector<box> boxes;
  std::vector<std::pair<std::size_t, std::size_t>> arrows;  ///< from, to

  /// "graph TD" and lines.
  [[nodiscard]] std::string mermaid() const;
  /// "digraph { ... }".
  [[nodiscard]] std::string dot() const;
};

}  // namespace lovage
