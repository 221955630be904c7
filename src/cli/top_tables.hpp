// The four tables of `lovage top`: rows of words out of a picture, sorted. Pure.
#pragma once

#include "cli/top_picture.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace lovage::cli {

struct top_row {
  std::vector<std::string> cells;
  std::string_view color = {};  ///< ANSI's number; empty: none
};

struct top_table {
  std::vector<std::string> head;  ///< the first is the table's title as well
  std::string align;              ///< one letter a column, 'l' or 'r'
  std::size_t wide = 0;           ///< the column that takes what room is left
  std::string order;              ///< what it is sorted by
  std::vector<top_row> rows;
};

/// By name, active, done or failed.
[[nodiscard]] top_table worker_table(top_picture const& p, std::size_t order);
/// By name, ready, dead or change.
[[nodiscard]] top_table queue_table(top_picture const& p, std::size_t order);
/// By how long it runs, name or worker.
[[nodiscard]] top_table running_table(top_picture const& p, std::size_t order);
/// By time, task or error.
[[nodiscard]] top_table failure_table(top_picture const& p, std::size_t order);

/// "850us", "12ms", "1.2s", "3m05s", "2h10m", "4d03h"; "-" for nothing.
[[nodiscard]] std::string short_time(std::optional<double> seconds);

}  // namespace lovage::cli
