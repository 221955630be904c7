#include "cli/text_table.hpp"

#include "cli/text_width.hpp"

#include <algorithm>

namespace lovage::cli {
namespace {

void append(std::string& out, text_row const& row, std::vector<std::size_t> const& widths, std::string const& align) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    std::string const gap(widths[i] - text_width(row[i]), ' ');
    if (i > 0) line += "  ";
    line += align[i] == 'r' ? gap + row[i] : row[i] + gap;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

}  // namespace

std::string format_table(text_row const& header, std::vector<text_row> const& rows, std::string const& align) {
  std::vector<std::size_t> widths;
  for (auto const& h : header) widths.push_back(text_width(h));
  for (auto const& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], text_width(row[i]));
  std::string out;
  append(out, header, widths, align);
  for (auto const& row : rows) append(out, row, widths, align);
  return out;
}

}  // namespace lovage::cli
