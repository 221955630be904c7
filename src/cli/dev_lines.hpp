// What the programs of `lovage dev` say, as lines of one terminal: "worker | [12:00:00 ...] ready". Pure.
#pragma once

#include <string>
#include <string_view>

namespace lovage::cli {

/// Cuts what one program says into lines and names it in front of each. *Threads*: one.
class named_lines {
 public:
  /// `color`: of ANSI's, such as 36; 0: no colours at all.
  named_lines(std::string name, int color) : name_{std::move(name)}, color_{color} {}

  /// The lines that are complete now, each with its end.
  [[nodiscard]] std::string add(std::string_view bytes);
  /// What is left without an end of line; empty when there is nothing.
  [[nodiscard]] std::string rest();

 private:
  [[nodiscard]] std::string line(std::string_view text) const;
  std::string const name_;
  int const color_;
  std::string open_;
};

}  // namespace lovage::cli
